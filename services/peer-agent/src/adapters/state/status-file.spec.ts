import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { records } from '../../../test/support/records.js';
import { writeStatus } from '../../../test/support/status.js';
import { readStatus } from './status-file.js';

describe('the status file', () => {
  it('reads back everything that was written', () => {
    fc.assert(
      fc.property(records, (written) => {
        const { records: read } = readStatus(writeStatus(written));
        expect(read).toHaveLength(written.length);
        read.forEach((record, index) => {
          const { activeMs, ...rest } = written[index]!;
          expect(record).toMatchObject(rest);
          expect(Math.abs(record.activeMs - activeMs)).toBeLessThanOrEqual(0.5001); // Accurate to the millisecond.
        });
      }),
    );
  });

  it('writes the same again from what was read', () => {
    fc.assert(
      fc.property(records, (written) => {
        const text = writeStatus(written);
        expect(writeStatus(readStatus(text).records)).toBe(text);
      }),
    );
  });

  it('writes no cause that the first versions refuse', () => {
    const [record] = fc.sample(
      records.filter((list) => list.length > 0),
      1,
    )[0]!;
    const spent = { missing: { ms: 2000, stalledMs: 1000 }, paused: { ms: 1000, stalledMs: 0 } };
    const account = { ...record!.account, spent };
    const text = writeStatus([{ ...record!, account }]);
    const { transfers } = JSON.parse(text) as { transfers: { account: { spent: object } }[] };
    expect(Object.keys(transfers[0]!.account.spent)).toEqual(['paused']);
    expect(readStatus(text).records[0]!.account.spent).toEqual(spent);
  });

  it('refuses a file of another version, and says so', () => {
    expect(() => readStatus('{"version":2,"transfers":[]}')).toThrow(/version/);
  });

  it.each([
    ['not an object', 'null'],
    ['nothing', ''],
    ['a list', '[]'],
    ['without transfers', '{"version":1}'],
  ])('refuses a file that is %s', (_, text) => {
    expect(() => readStatus(text)).toThrow();
  });

  it('names the field that is wrong', () => {
    const [record] = fc.sample(
      records.filter((list) => list.length > 0),
      1,
    )[0]!;
    const entry = (JSON.parse(writeStatus([record!])) as { transfers: object[] }).transfers[0]!;
    for (const wrong of [
      { bytes_total: -1 },
      { bytes_done: 0.5 },
      { infohash: 'zz' },
      { added_at: 'yesterday' },
    ]) {
      const text = JSON.stringify({ version: 1, transfers: [{ ...entry, ...wrong }] });
      expect(() => readStatus(text)).toThrow(Object.keys(wrong)[0]);
    }
  });

  it('fills in fields that a file of an earlier version lacks', () => {
    const [record] = fc.sample(
      records.filter((list) => list.length > 0),
      1,
    )[0]!;
    const entry = (JSON.parse(writeStatus([record!])) as { transfers: Record<string, unknown>[] })
      .transfers[0]!;
    const optional = [
      'reason',
      'reason_code',
      'fingerprint',
      'bytes_downloaded',
      'completed_at',
      'active_seconds',
      'peers',
    ];
    const old = Object.fromEntries(Object.entries(entry).filter(([key]) => !optional.includes(key)));
    const {
      records: [read],
      journal,
    } = readStatus(JSON.stringify({ version: 1, transfers: [old] }));
    expect(journal).toBeUndefined();
    expect(read).toMatchObject({
      infohash: record!.infohash,
      reason: '',
      message: '',
      downloadedBytes: 0,
      completedAtMs: 0,
      peers: [],
    });
  });
});
