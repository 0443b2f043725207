import { describe, expect, it } from '@jest/globals';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import { peerNamed } from '../../../test/support/ids.js';
import { asked, only, ToldEngine, type Asked } from '../../../test/support/told-engine.js';
import { UNLIMITED } from '../limits/byte-bucket.js';
import type { DownloadEffect } from './messages.js';
import type { BudgetShare } from './outstanding-budget.js';

const BLOCK = LEAF_SIZE;

const pieceOf = (effects: readonly DownloadEffect[]): number => only(effects).ref.piece;

const [ann, ben, cat] = [peerNamed('ann'), peerNamed('ben'), peerNamed('cat')] as const;

describe('DownloadEngine, availability', () => {
  it('requests a piece from a peer once it announces the piece', () => {
    const told = new ToldEngine({ pieces: 4 });
    expect(told.join(ann, [])).toEqual([]);
    const effects = told.learn(ann, [2], 1);
    expect(effects).toMatchObject([{ type: 'request', source: ann, ref: { piece: 2, block: 0 } }]);
  });

  it.each([0, 1, 2, 3])('requests it after %i others choked', (others) => {
    const told = new ToldEngine({ pieces: 4 });
    for (let other = 0; other < others; other++) told.holder(`other ${other}`, []);
    told.join(ann, []);
    expect(only(told.learn(ann, [2], 1))).toMatchObject({ source: ann, ref: { piece: 2, block: 0 } });
  });

  it('counts a peer once for a piece, however often it announces it', () => {
    const told = new ToldEngine({ pieces: 2 });
    told.holder('says it thrice', [0, 0, 0]);
    for (const name of ['one', 'two']) told.holder(name, [1]);
    expect(pieceOf(told.join(ann, [0, 1]))).toBe(0);
  });

  it('counts the pieces that a peer announces', () => {
    const told = new ToldEngine({ pieces: 2 });
    told.holder('one', [0]);
    expect(pieceOf(told.join(ann, [0, 1]))).toBe(1);
  });

  it('no longer counts a peer that left', () => {
    const told = new ToldEngine({ pieces: 2 });
    const leavers = ['one', 'two'].map((name) => told.holder(name, [0]));
    told.holder('stays', [1]);
    for (const peer of leavers) told.leave(peer, 0);
    expect(pieceOf(told.join(ann, [0, 1]))).toBe(0);
  });

  it('no longer counts a peer for a piece that it turned out not to have', () => {
    const told = new ToldEngine({ pieces: 2 });
    const first = only(told.join(ann, [0]));
    told.join(ben, [0]);
    const second = only(told.reject(first, 'not-available'));
    expect(second.source).toBe(ben);
    expect(asked(told.reject(second, 'read-failed'))).toEqual([]);
    told.holder('stays', [1]);
    expect(pieceOf(told.join(cat, [0, 1]))).toBe(0);
  });
});

describe('DownloadEngine, answers', () => {
  it('counts a block as outstanding from its request until it is on disk', () => {
    const told = new ToldEngine({ pieces: 1 });
    const request = only(told.join(ann, [0]));
    expect(told.engine.outstandingBytes).toBe(BLOCK);
    expect(told.arrive(request, 10)).toEqual([{ type: 'store', ref: request.ref }]);
    expect(told.engine.outstandingBytes).toBe(BLOCK);
    expect(told.store(request, { atMs: 20 })).toEqual([{ type: 'verified', piece: 0 }, { type: 'complete' }]);
    expect(told.engine.outstandingBytes).toBe(0);
    expect([told.engine.isComplete, told.engine.have.has(0)]).toEqual([true, true]);
  });

  it('treats the rejection of an unknown request as a violation', () => {
    const told = new ToldEngine({ pieces: 2 });
    const request = only(told.join(ann, [0]));
    expect(told.reject({ ...request, id: 999 }, 'not-available')).toEqual([
      { type: 'violation', source: ann, reason: 'rejected a request that was never made' },
    ]);
    expect(asked(told.reject(request, 'not-available'))).toEqual([]);
  });

  it('treats a block of another piece, or another block of the piece, as a violation', () => {
    const told = new ToldEngine({ pieces: 2 });
    const request = only(told.join(ann, [1]));
    for (const ref of [
      { piece: 0, block: 0 },
      { piece: 1, block: 1 },
    ]) {
      expect(told.arrive({ ...request, ref }, 5)).toEqual([
        {
          type: 'violation',
          source: ann,
          reason: `sent block ${ref.block} of piece ${ref.piece} without a request`,
        },
      ]);
    }
    expect(told.arrive(request, 6)).toMatchObject([{ type: 'store' }]);
  });

  it('requests a block from another peer at once when one rejects it by choking, and from that one when it unchokes', () => {
    const told = new ToldEngine({ pieces: 2 });
    const request = only(told.join(ann, [0, 1]));
    told.join(ben, [request.ref.piece]);
    const next = only(told.reject(request, 'choked'));
    expect(next).toMatchObject({ source: ben, ref: request.ref });
    expect(told.tick(100)).toEqual([]);
    const after = only(told.engine.handle({ type: 'source-unchoked', source: ann }, 200));
    expect(after).toMatchObject({ source: ann, ref: { piece: 1 - request.ref.piece } });
  });

  it('cancels all requests to a peer that chokes, and gives them to others', () => {
    const told = new ToldEngine({ pieces: 2 });
    const request = only(told.join(ann, [0]));
    told.join(ben, [0]);
    expect(told.engine.handle({ type: 'source-choked', source: ann }, 1)).toEqual([
      { type: 'cancel', source: ann, id: request.id },
    ]);
    expect(told.tick(2)).toMatchObject([{ type: 'request', source: ben, ref: request.ref }]);
    expect(told.reject(request, 'cancelled', 3)).toEqual([]);
  });

  it('ignores events of unknown peers', () => {
    const told = new ToldEngine({ pieces: 1 });
    const request = only(told.join(ann, [0]));
    told.leave(ann, 1);
    expect(told.arrive(request, 2)).toEqual([]);
    expect(told.reject(request, 'choked', 2)).toEqual([]);
    for (const type of ['source-left', 'source-choked', 'source-unchoked'] as const) {
      expect(told.engine.handle({ type, source: ann }, 2)).toEqual([]);
    }
    expect(told.engine.outstandingBytes).toBe(0);
  });
});

/** Ann's block is late; Ben has nothing else to do. */
function late(): { told: ToldEngine; first: Asked; second: Asked } {
  const told = new ToldEngine({ pieces: 2 });
  const early = only(told.join(ann, [0, 1]));
  const first = only(told.arrive(early, 100)); // A block in 100 ms: the next is late a second after it is due.
  told.store(early, { atMs: 100 });
  expect(told.join(ben, [0, 1], 150)).toEqual([]);
  expect(told.tick(1190)).toEqual([]);
  const effects = told.tick(1210);
  expect(effects).toMatchObject([{ type: 'request', source: ben, ref: first.ref }]);
  return { told, first, second: only(effects) };
}

describe('DownloadEngine, a block requested from two peers', () => {
  it('takes it from the first to send it, and drops the other answer', () => {
    const { told, first, second } = late();
    expect(told.engine.outstandingBytes).toBe(2 * BLOCK);
    expect(told.arrive(second, 1220)).toEqual([
      { type: 'cancel', source: ann, id: first.id },
      { type: 'store', ref: first.ref },
    ]);
    expect(told.arrive(first, 1230)).toEqual([{ type: 'discard', ref: first.ref }]);
    expect(told.engine.outstandingBytes).toBe(BLOCK);
    expect(told.store(second, { atMs: 1240 })).toMatchObject([{ type: 'verified' }, { type: 'complete' }]);
  });

  it('waits for the other peer when one leaves or rejects it', () => {
    const { told, first, second } = late();
    expect(told.reject(first, 'not-available', 1220)).toEqual([]);
    expect(told.engine.outstandingBytes).toBe(BLOCK);
    expect(told.arrive(second, 1230)).toEqual([{ type: 'store', ref: first.ref }]);
  });

  it('ignores all answers once the download is complete', () => {
    const { told, first, second } = late();
    told.arrive(second, 1220);
    told.store(second, { atMs: 1220 });
    expect(told.engine.isComplete).toBe(true);
    expect(told.arrive(first, 1230)).toEqual([]);
    expect(told.tick(60_000)).toEqual([]);
  });

  it('is not requested from a third peer', () => {
    const { told } = late();
    expect(told.join(cat, [0, 1], 5000)).toEqual([]);
    expect(told.tick(5010)).toEqual([]);
  });
});

describe('DownloadEngine, a block owed by a slow peer', () => {
  it('requests it from an idle peer that is many times faster, and cancels it at the slow one', () => {
    const told = new ToldEngine({ pieces: 4 });
    const learns = (piece: number, atMs: number): Asked => only(told.learn(ann, [piece], atMs));
    told.join(ann, []);
    told.arrive(learns(0, 0), 0);
    told.arrive(learns(1, 0), 1900);
    const slow = learns(2, 1900); // Two blocks in 1.9 s: the third takes another 950 ms.
    const quick = only(told.join(ben, [2, 3], 1900));
    expect(told.arrive(quick, 1910)).toEqual([{ type: 'store', ref: quick.ref }]);
    expect(told.tick(1920)).toMatchObject([
      { type: 'cancel', source: ann, id: slow.id },
      { type: 'request', source: ben, ref: slow.ref },
    ]);
    expect(told.reject(slow, 'cancelled', 1930)).toEqual([]);
    expect(told.tick(1940)).toEqual([]);
    expect(told.engine.outstandingBytes).toBe(4 * BLOCK);
  });
});

describe('DownloadEngine, a peer that went silent', () => {
  it('gives its requests to others after the timeout, and requests at most one block of it', () => {
    const told = new ToldEngine({ pieces: 2, config: { initialWindowBytes: 4 * BLOCK } });
    const owed = asked(told.join(ann, [0, 1]));
    expect(owed.length).toBe(2);
    expect(told.tick(9999)).toEqual([]);
    const effects = told.tick(10_000);
    expect(effects.slice(0, 2)).toEqual(owed.map(({ id }) => ({ type: 'cancel', source: ann, id })));
    expect(asked(effects)).toMatchObject([{ source: ann }]);
    expect(asked(told.join(ben, [0, 1], 10_010)).length).toBe(1);
  });
});

describe('DownloadEngine, blocks lost before they are on disk', () => {
  it('requests them again, from any peer, and verifies the piece when they are stored', () => {
    const told = new ToldEngine({ pieces: 1, blocks: 2 });
    const first = only(told.join(ann, [0]));
    const second = only(told.arrive(first, 1));
    told.arrive(second, 2);
    const again = only(told.lose(first, 3));
    expect(again).toMatchObject({ source: ann, ref: first.ref });
    told.store(second, { atMs: 4 });
    told.arrive(again, 5);
    expect(told.store(again, { atMs: 6 })).toEqual([{ type: 'verified', piece: 0 }, { type: 'complete' }]);
  });

  it('wants a piece again if nothing else of it is in hand, and frees the bytes that it held', () => {
    const told = new ToldEngine({ pieces: 1 });
    const request = only(told.join(ann, [0]));
    told.arrive(request, 3);
    told.leave(ann, 4);
    expect(told.engine.outstandingBytes).toBeGreaterThan(0);
    expect(told.lose(request, 5)).toEqual([]);
    expect(told.engine.outstandingBytes).toBe(0);
    expect(only(told.join(cat, [0], 6)).ref).toEqual(request.ref);
  });
});

/** Whether there were peers to ask, and the bytes outstanding. */
type Use = [wanted: boolean, outstandingBytes: number];

/** A budget share without a rate limit; its calls are recorded in `used`. */
function budgetOf(limitBytes: number, used: Use[] = []): BudgetShare {
  return {
    limitBytes,
    use: (wanted, outstandingBytes) => void used.push([wanted, outstandingBytes]),
    mayAsk: () => true,
    asked: () => undefined,
    arrived: () => undefined,
    returned: () => undefined,
    ceiling: UNLIMITED,
    isPaced: false,
  };
}

describe('DownloadEngine, its budget', () => {
  it('stays within it, and reports whether it has peers to ask, and how much is outstanding', () => {
    const used: Use[] = [];
    const budget = budgetOf(3 * BLOCK, used);
    const told = new ToldEngine({ pieces: 4, config: { initialWindowBytes: 100 * BLOCK }, budget });
    told.tick(0);
    const requests = asked(told.join(ann, [0, 1, 2, 3]));
    expect(requests.length).toBe(3);
    told.leave(ann, 1);
    expect(used).toEqual([
      [false, 0],
      [true, 3 * BLOCK],
      [false, 0],
    ]);
  });

  it('requests more only when something is on disk', () => {
    const budget = budgetOf(2 * BLOCK);
    const told = new ToldEngine({ pieces: 4, config: { initialWindowBytes: 100 * BLOCK }, budget });
    const [first] = asked(told.join(ann, [0, 1, 2, 3]));
    expect(asked(told.arrive(first!, 10))).toEqual([]);
    expect(asked(told.store(first!, { atMs: 20 })).length).toBe(1);
  });

  it('reports that it needs none of it once it is complete', () => {
    const used: Use[] = [];
    const budget = budgetOf(BLOCK, used);
    const told = new ToldEngine({ pieces: 1, budget });
    const request = only(told.join(ann, [0]));
    told.arrive(request, 1);
    told.store(request, { atMs: 2 });
    expect(used).toEqual([
      [true, BLOCK],
      [true, BLOCK],
      [false, 0],
    ]);
    expect(told.join(ben, [0], 3)).toEqual([]);
  });
});
