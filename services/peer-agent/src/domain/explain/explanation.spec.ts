import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { records } from '../../../test/support/records.js';
import { peerNamed } from '../../../test/support/ids.js';
import type { TransferRecord } from '../transfer-record.js';
import { causeOf } from './cause-of.js';
import { CAUSES, NO_ACCOUNT, type Cause } from './causes.js';
import { explain } from './explanation.js';

const sample = fc.sample(
  records.filter((list) => list.length > 0),
  { numRuns: 1, seed: 1 },
)[0]![0]!;
const download: TransferRecord = { ...sample, origin: false, peers: [], account: NO_ACCOUNT };

const source = (name: string, received: number, receivingMs: number): TransferRecord['peers'][number] => ({
  peerId: peerNamed(name),
  name,
  received,
  sent: 0,
  distance: 'far',
  receivingMs,
});

function spentOn(cause: Cause, ms = 1000): TransferRecord {
  return { ...download, account: { ...NO_ACCOUNT, spent: { [cause]: { ms, stalledMs: 0 } } } };
}

describe('an explanation', () => {
  it('has causes that add up to the total, largest first, and sources ordered by contribution', () => {
    fc.assert(
      fc.property(records, (all) => {
        for (const record of all) {
          const { totalMs, spent, sources, conclusion } = explain({ ...record, origin: false });
          expect(spent.reduce((sum, { ms }) => sum + ms, 0)).toBe(totalMs);
          expect(spent.map(({ ms }) => ms)).toEqual(spent.map(({ ms }) => ms).sort((a, b) => b - a));
          expect(sources.every(({ received }) => received > 0)).toBe(true);
          expect(sources.every(({ rate }) => Number.isFinite(rate))).toBe(true);
          expect(conclusion).toMatch(/^\S[^\n]*$/);
        }
      }),
    );
  });

  it.each(CAUSES)('concludes with the cause that took the most time: %s', (cause) => {
    const others = explain({
      ...spentOn(cause, 6200),
      account: {
        ...NO_ACCOUNT,
        spent: { disk: { ms: 3800, stalledMs: 0 }, [cause]: { ms: 6200, stalledMs: 0 } },
      },
    });
    expect(others.conclusion).toContain(cause === 'disk' ? '100 % of the time' : '62 % of the time');
  });

  it('has a different conclusion for each cause', () => {
    const conclusions = CAUSES.map((cause) => explain(spentOn(cause)).conclusion);
    expect(new Set(conclusions).size).toBe(CAUSES.length);
  });

  it('names the largest source, and how fast it was while it sent', () => {
    const peers = [source('bob', 1_000_000, 0), source('alice', 4_000_000, 2000)];
    const { sources, conclusion } = explain({ ...spentOn('sources'), peers });
    expect(sources.map(({ name, rate }) => [name, rate])).toEqual([
      ['alice', 2_000_000],
      ['bob', 0],
    ]);
    expect(conclusion).toBe(
      'the sources were the bottleneck for 100 % of the time: alice, the largest of 2, sent 4.0 MB at 2.0 MB/s',
    );
  });

  it('draws no conclusion from less than a second', () => {
    const { totalMs, conclusion } = explain(spentOn('checking', 999));
    expect(totalMs).toBe(999);
    expect(conclusion).toBe('it has taken less than a second: too little to say what it waited for');
    expect(explain(spentOn('checking', 1000)).conclusion).toContain('checking existing data');
  });

  it('admits that the time was never recorded', () => {
    expect(explain(download)).toMatchObject({ totalMs: 0, conclusion: 'its time was not recorded' });
  });

  it('is refused for content shared by this agent', () => {
    expect(() => explain({ ...download, origin: true })).toThrow(
      expect.objectContaining({ reason: 'NOT_DOWNLOADED' }),
    );
  });
});

describe('the cause while a download runs', () => {
  it('is the tracker only if it is unreachable and no peer is known', () => {
    expect(causeOf('nobody', { known: 0, trackerAway: true })).toBe('tracker');
    expect(causeOf('nobody', { known: 0, trackerAway: false })).toBe('no-source');
    expect(causeOf('nobody', { known: 2, trackerAway: true })).toBe('no-source');
    expect(causeOf('disk', { known: 0, trackerAway: true })).toBe('disk');
  });
});
