import { beforeEach, describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { MemoryDisk } from '../../../test/support/memory-disk.js';
import { MemoryStores } from '../../../test/support/memory-piece-store.js';
import { overriding } from '../../../test/support/overriding.js';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { ComplaintTurns } from './complaint-turns.js';
import { Complaints } from './complaints.js';

const PIECE = 16 * 1024;
const data = bytesOf(100 * PIECE);
const metainfo = metainfoOf(data, PIECE);
const layout = new PieceLayout(metainfo);
const bad = 7;
const disk = new MemoryDisk();
disk.put('/shared', Buffer.from(data).fill(0, bad * PIECE, (bad + 1) * PIECE));
const shared = new MemoryStores(disk).original(metainfo, '/shared');
const bob = peerNamed('bob');
const mallory = peerNamed('mallory');

let hashed: number[] = [];
let damages: EnjambreError[] = [];
let clock: VirtualClock;
/** Number of the next disk reads that fail. */
let failing = 0;
/** Concurrent checks: current and maximum. */
let atOnce = { now: 0, most: 0 };

async function hashPiece(piece: number): Promise<Buffer | undefined> {
  hashed.push(piece);
  atOnce = { now: atOnce.now + 1, most: Math.max(atOnce.most, atOnce.now + 1) };
  await new Promise((resolve) => setImmediate(resolve));
  atOnce.now -= 1;
  if (failing-- > 0) throw new EnjambreError('internal', 'DISK_FAILED', '/shared: EIO');
  return shared.hashPiece(piece);
}

/** Complaints about a file of which bob received all pieces. */
function complaints(have = Bitfield.full(100), turns = new ComplaintTurns(clock)): Complaints {
  const store = overriding(shared, { hashPiece });
  const all = new Complaints({ layout, have, store, damaged: (error) => damages.push(error), turns });
  for (let piece = 0; piece < 100; piece++) all.gave(bob, piece);
  return all;
}

beforeEach(() => {
  clock = new VirtualClock();
  [hashed, damages, failing] = [[], [], 0];
  atOnce = { now: 0, most: 0 };
});

describe('complaints of downloaders', () => {
  it('are checked once for each piece, and have no effect if the piece is correct', async () => {
    const all = complaints();
    for (const piece of [3, 3, 5]) all.add(bob, piece);
    await clock.advance(10_000);
    expect(hashed).toEqual([3, 5]);
    expect(damages).toEqual([]);
    all.stop();
  });

  it('withdraw the file if the piece is wrong, and are no longer checked after that', async () => {
    const all = complaints();
    for (const piece of [bad, 8]) all.add(bob, piece);
    await clock.advance(10_000);
    expect(damages).toMatchObject([{ reason: 'CONTENT_CHANGED' }]);
    all.stop();
    all.add(bob, 9);
    expect(hashed).toEqual([bad]);
  });

  it('about missing pieces are not checked, and only a limited number can wait', async () => {
    const none = complaints(Bitfield.empty(100));
    for (const piece of [1, 99, 100, 4_000_000_000]) none.add(bob, piece);
    const many = complaints();
    for (let piece = 10; piece < 100; piece++) many.add(bob, piece);
    await clock.advance(100_000);
    expect(hashed).toHaveLength(65);
    many.gave(bob, 11);
    many.add(bob, 11);
    await clock.advance(10_000);
    expect(hashed.at(-1)).toBe(11);
    // The first is checked at once, and 64 wait.
    expect(hashed).toHaveLength(66);
    many.stop();
  });

  it('count only for pieces that were sent to the peer, once each time', async () => {
    const all = complaints();
    for (const piece of [bad, 1, 2]) all.add(mallory, piece);
    all.add(bob, 3);
    await clock.advance(10_000);
    expect(hashed).toEqual([3]);
    all.add(bob, 3);
    all.add(bob, 4);
    await clock.advance(10_000);
    expect(hashed).toEqual([3, 4]);
    all.stop();
  });

  it('of all transfers are checked one at a time; the transfers take turns', async () => {
    const turns = new ComplaintTurns(clock);
    const [one, other] = [complaints(undefined, turns), complaints(undefined, turns)];
    for (const piece of [10, 11, 12]) one.add(bob, piece);
    for (const piece of [20, 21]) other.add(bob, piece);
    await clock.advance(4000);
    expect(hashed).toEqual([10, 11, 20, 12, 21]);
    expect(atOnce.most).toBe(1);
    for (const all of [one, other]) all.stop();
  });

  it('do not withdraw a file that temporarily cannot be read: the check is retried', async () => {
    const all = complaints();
    failing = 2;
    all.add(bob, 3);
    await clock.advance(10_000);
    expect(hashed).toEqual([3, 3, 3]);
    expect(damages).toEqual([]);
    failing = 1;
    all.add(bob, bad);
    await clock.advance(10_000);
    expect(hashed).toEqual([3, 3, 3, bad, bad]);
    all.stop();
  });

  it('are dropped after a few failed reads', async () => {
    const all = complaints();
    failing = 3;
    all.add(bob, 3);
    await clock.advance(10_000);
    expect(hashed).toEqual([3, 3, 3]);
    all.add(bob, 4);
    await clock.advance(10_000);
    expect([hashed, damages]).toEqual([[3, 3, 3, 4], []]);
    all.stop();
  });
});
