import { beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import { readPublished, writePublished } from '../src/adapters/state/published-file.js';
import { newRecord } from '../src/app/agent/identity.js';
import type { PublishedName } from '../src/app/ports/archives.js';
import { OwnPublications } from '../src/app/transfer/own-publications.js';
import type { TransferRecord } from '../src/domain/transfer-record.js';

const NAME = 'model.bin';
const log = createLogger({ name: 'agent', level: 'silent' });
const content = (number: number): InfoHash => parseInfoHash(number.toString(16).padStart(64, '0'));

function share(number: number, change: Partial<TransferRecord> = {}): TransferRecord {
  const identity = { infohash: content(number), name: NAME, size: 1 };
  return { ...newRecord(identity, { origin: true, location: '/x', nowMs: 100 * number }), ...change };
}

let saved: PublishedName[];

beforeEach(() => {
  saved = [];
});

function make(): { offered: Map<InfoHash, { record: TransferRecord }>; own: OwnPublications } {
  const offered = new Map<InfoHash, { record: TransferRecord }>();
  const sign = ({ infohash, version }: { infohash: InfoHash; version: number }): string =>
    `${Number.parseInt(infohash, 16)} as ${version}`;
  const numbers = {
    load: () => Promise.resolve(saved),
    save: (names: readonly PublishedName[]) => {
      saved = [...names];
      return Promise.resolve();
    },
  };
  return { offered, own: new OwnPublications({ signer: { sign }, numbers, log, transfers: offered }) };
}

describe('what an agent publishes', () => {
  test('is numbered by its name, later each time', () => {
    const { own } = make();
    expect(own.publish(share(1), 50)).toEqual({ version: 1, publishedAtMs: 50, signed: '1 as 1' });
    // The clock was set back.
    expect(own.publish(share(2), 40)).toEqual({ version: 2, publishedAtMs: 51, signed: '2 as 2' });
    expect(own.publish(share(3, { name: 'other' }), 60)).toMatchObject({ version: 1 });
  });

  test('stays what it was when the newest is shared again, or an older one beside it', () => {
    const { own, offered } = make();
    const one = own.publish(share(1), 1);
    const two = own.publish(share(2), 2);
    offered.set(content(2), { record: share(2) });
    expect(own.publish(share(2), 3)).toEqual(two);
    expect(own.publish(share(1, { published: one }), 4)).toEqual(one);
    offered.clear();
    expect(own.publish(share(1, { published: one }), 5)).toMatchObject({ version: 3 });
  });

  test('continues after a restart, and shares of older versions of the agent are numbered as they were shared', async () => {
    const { own } = make();
    const records = [share(5), share(4), share(9, { origin: false }), share(6, { name: '' })];
    const numbered = await own.completed(records);
    expect(numbered.map(({ published }) => published?.signed)).toEqual([
      '5 as 2',
      '4 as 1',
      undefined,
      undefined,
    ]);
    expect(numbered[1]?.published?.publishedAtMs).toBe(400);
    const again = make();
    expect(await again.own.completed(numbered)).toEqual(numbered);
    expect(again.own.publish(share(7), 700)).toMatchObject({ version: 3 });
  });

  test('gets the next number after its newest content was removed, also after a restart', async () => {
    const { own } = make();
    const [one, two] = [1, 2].map((number) =>
      share(number, { published: own.publish(share(number), number) }),
    );
    own.removed(one!);
    own.removed(two!);
    await own.stop();
    expect(saved).toMatchObject([{ name: NAME, infohash: content(2), version: 2 }]);
    expect(readPublished(writePublished(saved.map((its) => ({ ...its, signed: 'c2ln' }))))[0]).toEqual({
      ...saved[0],
      signed: 'c2ln',
    });
    const again = make();
    await again.own.start();
    expect(again.own.publish(share(2), 9)).toEqual(two?.published);
    expect(again.own.publish(share(3), 10)).toMatchObject({ version: 3 });
  });

  test('is signed again if its time was in the future, with its number and in the order of the numbers', () => {
    const { own } = make();
    const HOURS = 3_600_000;
    const ahead = [1, 2, 3].map((number) =>
      share(number, { published: own.publish(share(number), 2 * HOURS + number) }),
    );
    const [, two, three] = ahead;
    expect(own.redated(two!, 2 * HOURS + 2)).toBeUndefined();
    expect(own.redated(three!, 500)).toEqual({ version: 3, publishedAtMs: 500, signed: '3 as 3' });
    expect(own.redated(two!, 600)).toEqual({ version: 2, publishedAtMs: 499, signed: '2 as 2' });
    expect(own.publish(share(4), 700)).toEqual({ version: 4, publishedAtMs: 700, signed: '4 as 4' });
  });

  test('remembers a bounded number of removed names', async () => {
    const { own } = make();
    for (let number = 0; number < 1010; number++) {
      const its = share(number, { name: `n${number}` });
      own.removed({ ...its, published: own.publish(its, number) });
    }
    await own.stop();
    expect(saved).toHaveLength(1000);
    expect(saved[0]?.name).toBe('n10');
  });

  test.each(['', '{}', '{"version":1,"names":[{"name":"../x"}]}', '{"version":2,"names":[]}'])(
    'is refused as a file if it is torn or foreign: %s',
    (text) => {
      expect(() => readPublished(text)).toThrow();
    },
  );
});
