import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../../test/support/ids.js';
import { asked, only, ToldEngine, type Asked } from '../../../test/support/told-engine.js';
import type { DownloadEffect } from './messages.js';

const [ann, ben, cat] = [peerNamed('ann'), peerNamed('ben'), peerNamed('cat')] as const;

/** Lets all requested blocks arrive and be stored, until nothing more is requested; returns the requests in order. */
function serveAll(told: ToldEngine, first: readonly DownloadEffect[]): Asked[] {
  const queue = asked(first);
  for (const request of queue) {
    queue.push(...asked(told.arrive(request)), ...asked(told.store(request)));
  }
  return queue;
}

const piecesOf = (requests: readonly Asked[]): number[] => requests.map(({ ref }) => ref.piece);

/** The other of two pieces. */
const other = (piece: number): number => 1 - piece;

describe('DownloadEngine, choosing the next request', () => {
  it('finishes a piece that a peer started before it starts another, block by block', () => {
    const told = new ToldEngine({ pieces: 2, blocks: 4 });
    const requests = serveAll(told, told.join(ann, [0, 1]));
    const first = piecesOf(requests)[0]!;
    expect(piecesOf(requests)).toEqual(
      [0, 0, 0, 0, 1, 1, 1, 1].map((begun) => (begun === 0 ? first : other(first))),
    );
    expect(requests.map(({ ref }) => ref.block)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(told.engine.isComplete).toBe(true);
  });

  it('starts one piece per peer while there are new ones', () => {
    const told = new ToldEngine({ pieces: 2, blocks: 4 });
    const first = only(told.join(ann, [0, 1]));
    expect(only(told.join(ben, [0, 1])).ref).toEqual({ piece: other(first.ref.piece), block: 0 });
  });

  it('finishes a piece that a peer left behind before it starts another', () => {
    const told = new ToldEngine({ pieces: 3, blocks: 4 });
    const first = only(told.join(ann, [0, 1, 2]));
    told.arrive(first);
    told.store(first);
    told.leave(ann);
    expect(told.engine.outstandingBytes).toBe(0);
    const requests = serveAll(told, told.join(ben, [0, 1, 2]));
    expect(requests.slice(0, 3).map(({ ref }) => ref)).toEqual(
      [1, 2, 3].map((block) => ({ piece: first.ref.piece, block })),
    );
    expect(requests.length).toBe(11);
  });

  it('leaves a piece that was left behind to others if the peer does not have it', () => {
    const told = new ToldEngine({ pieces: 2, blocks: 4 });
    const first = only(told.join(ann, [0, 1]));
    told.arrive(first);
    told.leave(ann);
    const { piece } = first.ref;
    expect(only(told.join(ben, [other(piece)])).ref.piece).toBe(other(piece));
    expect(only(told.join(cat, [piece])).ref).toEqual({ piece, block: 1 });
  });

  it('helps with the piece with the most blocks left when there is no new one', () => {
    const told = new ToldEngine({ pieces: 2, blocks: 4 });
    const first = only(told.join(ann, [0, 1]));
    const second = only(told.join(ben, [0, 1]));
    expect(asked(told.arrive(second)).length).toBe(2); // One block of it is free now, and three of the first.
    expect(only(told.join(cat, [0, 1])).ref).toEqual({ piece: first.ref.piece, block: 1 });
    expect(only(told.join(peerNamed('dan'), [second.ref.piece])).ref).toEqual({
      piece: second.ref.piece,
      block: 3,
    });
    expect(told.join(peerNamed('eve'), [second.ref.piece])).toEqual([]);
  });
});

/** One piece of two blocks, the first sent by Ann, the second, a bad one, by Ben: it failed. */
function inDoubt(): { told: ToldEngine; effects: DownloadEffect[] } {
  const told = new ToldEngine({ pieces: 1, blocks: 2 });
  const [first, second] = [only(told.join(ann, [0])), only(told.join(ben, [0]))];
  for (const request of [first, second]) told.arrive(request, 100);
  expect(told.store(first, { atMs: 100 })).toEqual([]);
  return { told, effects: told.store(second, { atMs: 100, wrong: true }) };
}

describe('DownloadEngine, a piece in doubt', () => {
  it('bans no peer yet, and requests all of it from one peer', () => {
    const { told, effects } = inDoubt();
    expect(effects[0]).toEqual({ type: 'failed', piece: 0 });
    const requests = asked(effects);
    expect(effects.length).toBe(1 + requests.length);
    expect(new Set(requests.map(({ source: peer }) => peer)).size).toBe(1);
    expect(requests.map(({ ref }) => ref.block)).toEqual([0, 1]);
    expect(told.join(cat, [0], 110)).toEqual([]);
  });

  it('bans the sender of the bad block once all of the piece has arrived correctly', () => {
    const { told, effects } = inDoubt();
    const [first, second] = asked(effects);
    for (const request of [first!, second!]) told.arrive(request, 120);
    told.store(first!, { atMs: 120 });
    expect(told.store(second!, { atMs: 120 })).toEqual([
      { type: 'verified', piece: 0 },
      { type: 'ban', source: ben, piece: 0, reason: 'sent bytes that do not belong to piece 0' },
      { type: 'complete' },
    ]);
  });

  it('bans the peer that sent all of it wrong, and turns to another', () => {
    const { told, effects } = inDoubt();
    const [first, second] = asked(effects);
    const [sender, another] = first!.source === ann ? [ann, ben] : [ben, ann];
    for (const request of [first!, second!]) told.arrive(request, 120);
    told.store(first!, { atMs: 120 });
    const after = told.store(second!, { atMs: 120, wrong: true });
    expect(after.slice(0, 2)).toMatchObject([
      { type: 'failed', piece: 0 },
      { type: 'ban', source: sender },
    ]);
    expect(asked(after).map(({ source: peer }) => peer)).toEqual([another, another]);
    expect(told.engine.outstandingBytes).toBe(2 * told.blockBytes);
  });

  it('continues with a fit peer when its only sender leaves', () => {
    const told = new ToldEngine({ pieces: 1, blocks: 4 });
    const requests = [cat, ann, ben].map((peer) => only(told.join(peer, [0])));
    const [slow, ...quick] = requests;
    for (const request of quick) requests.push(...asked(told.arrive(request, 100)));
    told.arrive(requests[3]!, 200);
    told.arrive(slow!, 5000);
    const after = requests.flatMap((request) =>
      told.store(request, { atMs: 5000, wrong: request.source === ben }),
    );
    const [first] = asked(after);
    expect(asked(after).map(({ source: peer }) => peer)).toEqual([ann, ann, ann]);
    told.arrive(first!, 5100);
    const left = asked(told.leave(ann, 5200));
    expect(left.map(({ source: peer, ref }) => [peer, ref.block])).toEqual([
      [ben, 1],
      [ben, 2],
    ]);
  });
});
