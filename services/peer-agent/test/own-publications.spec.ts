import { describe, expect, test } from '@jest/globals';
import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import { newRecord } from '../src/app/agent/identity.js';
import { OwnPublications } from '../src/app/transfer/own-publications.js';
import type { TransferRecord } from '../src/domain/transfer-record.js';

const NAME = 'model.bin';
const content = (number: number): InfoHash => parseInfoHash(number.toString(16).padStart(64, '0'));

function share(number: number, change: Partial<TransferRecord> = {}): TransferRecord {
  const identity = { infohash: content(number), name: NAME, size: 1 };
  return { ...newRecord(identity, { origin: true, location: '/x', nowMs: 100 * number }), ...change };
}

function make(): { offered: Set<InfoHash>; own: OwnPublications } {
  const offered = new Set<InfoHash>();
  const sign = ({ infohash, version }: { infohash: InfoHash; version: number }): string =>
    `${Number.parseInt(infohash, 16)} as ${version}`;
  return { offered, own: new OwnPublications({ sign }, (infohash) => offered.has(infohash)) };
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
    offered.add(content(2));
    expect(own.publish(share(2), 3)).toEqual(two);
    expect(own.publish(share(1, { published: one }), 4)).toEqual(one);
    offered.clear();
    expect(own.publish(share(1, { published: one }), 5)).toMatchObject({ version: 3 });
  });

  test('continues after a restart, and shares of older versions of the agent are numbered as they were shared', () => {
    const { own } = make();
    const records = [share(5), share(4), share(9, { origin: false }), share(6, { name: '' })];
    const numbered = own.completed(records);
    expect(numbered.map(({ published }) => published?.signed)).toEqual([
      '5 as 2',
      '4 as 1',
      undefined,
      undefined,
    ]);
    expect(numbered[1]?.published?.publishedAtMs).toBe(400);
    const again = make();
    expect(again.own.completed(numbered)).toEqual(numbered);
    expect(again.own.publish(share(7), 700)).toMatchObject({ version: 3 });
  });
});
