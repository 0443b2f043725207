import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { PeerState } from './peer-state.js';
import { ActivePiece } from './picker/active-piece.js';

const KIB = 1024;
const BLOCK = 256 * KIB;
const FIRST_WINDOW = DEFAULT_ENGINE_CONFIG.initialWindowBytes;
const FOREVER = Number.MAX_SAFE_INTEGER;

function peer(nowMs = 0): PeerState {
  return new PeerState(peerNamed('uploader'), Bitfield.full(1000), DEFAULT_ENGINE_CONFIG, nowMs);
}

/**
 * Keeps the peer's window full and lets it answer at `rate`, from `fromMs` to `untilMs`. Returns the window at the end.
 */
function serve(state: PeerState, rate: number, fromMs: number, untilMs: number): number {
  let piece = 0;
  const queue: number[] = [];
  const ask = (nowMs: number): void => {
    while (state.room(FOREVER) > 0) queue.push(state.requested({ piece: piece++, block: 0 }, BLOCK, nowMs));
  };
  let owed = 0;
  ask(fromMs);
  for (let now = fromMs; now <= untilMs; now += 10) {
    owed = Math.min(owed + (rate * 10) / 1000, state.inFlightBytes);
    while (owed >= BLOCK) {
      owed -= BLOCK;
      state.answered(queue.shift()!);
      state.received(BLOCK, now);
      ask(now);
    }
    if ((now - fromMs) % 100 === 0) state.tick(now);
    ask(now);
  }
  return state.room(FOREVER) + state.inFlightBytes;
}

describe('PeerState', () => {
  it('starts with the initial window, and has no room while choked', () => {
    const state = peer();
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW);
    expect(state.room(1000)).toBe(1000);
    state.choked();
    expect(state.room(FOREVER)).toBe(0);
  });

  it('grows its window by what arrives until the rate stops growing', () => {
    const state = peer();
    for (const now of [10, 20, 30]) {
      const id = state.requested({ piece: 0, block: now }, BLOCK, now);
      state.answered(id);
      state.received(BLOCK, now);
    }
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW + 3 * BLOCK);
  });

  it.each([4, 40, 400])('settles on what a rate of %i MiB/s delivers in the time to cover', (mib) => {
    const rate = mib * KIB * KIB;
    const window = serve(peer(), rate, 0, 6000);
    const target = Math.max(FIRST_WINDOW, rate * DEFAULT_ENGINE_CONFIG.queueSeconds);
    expect(window / target).toBeGreaterThan(0.85);
    expect(window / target).toBeLessThan(1.15);
  });

  it('covers twice the shortest response time, if that is long', () => {
    const state = peer();
    const rate = 40 * KIB * KIB;
    state.answered(state.requested({ piece: 0, block: 0 }, BLOCK, 0));
    state.received(BLOCK, 400, 0);
    expect(serve(state, rate, 400, 6000) / (rate * 0.8)).toBeCloseTo(1, 1);
  });

  it('narrows its window when the peer becomes slow, but never below the initial one', () => {
    const state = peer();
    expect(serve(state, 40 * KIB * KIB, 0, 4000)).toBeGreaterThan(10 * FIRST_WINDOW);
    for (let now = 4000; now <= 9000; now += 100) state.tick(now);
    expect(state.room(FOREVER) + state.inFlightBytes).toBe(FIRST_WINDOW);
  });

  it('is silent when it owes something and nothing arrived for ten seconds', () => {
    const state = peer();
    expect(state.isSilent(60_000)).toBe(false);
    state.requested({ piece: 0, block: 0 }, BLOCK, 60_000);
    state.requested({ piece: 0, block: 1 }, BLOCK, 65_000);
    expect(state.isSilent(69_999)).toBe(false);
    expect(state.isSilent(70_000)).toBe(true);
    state.answered(1);
    state.received(BLOCK, 70_000);
    expect(state.isSilent(79_999)).toBe(false);
  });

  it('gets one request at a time while snubbed, and a fresh start with the first answer', () => {
    const state = peer();
    serve(state, 40 * KIB * KIB, 0, 4000);
    for (const request of [...state.requests.values()]) state.cancelled(request);
    state.snubbed();
    expect(state.room(FOREVER)).toBe(1);
    const id = state.requested({ piece: 0, block: 0 }, BLOCK, 20_000);
    expect(state.room(FOREVER)).toBeLessThanOrEqual(0);
    state.answered(id);
    state.received(BLOCK, 20_100);
    expect(state.isSnubbed).toBe(false);
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW + BLOCK);
  });

  it('promises an answer by its rate, and by the constant while that is unknown', () => {
    const state = peer();
    expect(state.expectedWaitMs(BLOCK, 0)).toBe(DEFAULT_ENGINE_CONFIG.unknownWaitMs);
    state.received(100_000, 1000); // A million bytes per second, as far as is known.
    state.requested({ piece: 0, block: 0 }, 50_000, 1000);
    expect(state.expectedWaitMs(50_000, 1000)).toBeCloseTo(100);
    expect(state.pendingFor({ piece: 0, block: 0 })).toMatchObject({ askedMs: 1000, dueMs: 1050 });
  });

  it('finds a pending request by its block until it is cancelled or answered', () => {
    const state = peer();
    const [first, second] = [1, 2].map((block) => state.requested({ piece: 7, block }, BLOCK, 0)) as [
      number,
      number,
    ];
    expect(state.pendingFor({ piece: 7, block: 1 })?.id).toBe(first);
    expect(state.pendingFor({ piece: 8, block: 1 })).toBeUndefined();
    state.cancelled(state.requests.get(first)!);
    expect(state.pendingFor({ piece: 7, block: 1 })).toBeUndefined();
    state.answered(second);
    expect(state.pendingFor({ piece: 7, block: 2 })).toBeUndefined();
  });

  it('counts in flight exactly what is requested, not cancelled and not answered', () => {
    const step = fc.record({
      do: fc.constantFrom('ask' as const, 'cancel' as const, 'answer' as const),
      pick: fc.nat(30),
      bytes: fc.integer({ min: 1, max: BLOCK }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const state = peer();
        const open = new Map<number, { bytes: number; cancelled: boolean }>();
        for (const { do: act, pick, bytes } of steps) {
          const id = [...open.keys()][pick % Math.max(1, open.size)] ?? -1;
          if (act === 'ask') {
            const asked = state.requested({ piece: 0, block: pick }, bytes, 0);
            expect(open.has(asked)).toBe(false);
            open.set(asked, { bytes, cancelled: false });
          } else if (act === 'cancel' && open.has(id)) {
            state.cancelled(state.requests.get(id)!);
            open.get(id)!.cancelled = true;
          } else if (act === 'answer') {
            expect(state.answered(id)?.id).toBe(open.has(id) ? id : undefined);
            open.delete(id);
          }
          const wanted = [...open.values()].filter(({ cancelled }) => !cancelled);
          expect(state.inFlightBytes).toBe(wanted.reduce((sum, one) => sum + one.bytes, 0));
        }
      }),
    );
  });
});

describe('PeerState, time per byte', () => {
  /** Requests 100 bytes that arrive this much later. */
  function fetch(state: PeerState, askedMs: number, tookMs: number): void {
    state.answered(state.requested({ piece: 0, block: 0 }, 100, askedMs));
    state.received(100, askedMs + tookMs);
  }

  it('is unknown before the first block, then smoothed over the last ones', () => {
    const state = peer();
    expect(state.msPerByte).toBe(Infinity);
    fetch(state, 1000, 100);
    expect(state.msPerByte).toBe(1);
    fetch(state, 1100, 200);
    expect(state.msPerByte).toBeCloseTo(1.3);
    fetch(state, 1300, 100);
    expect(state.msPerByte).toBeCloseTo(1.21);
  });

  it('excludes the time in which nothing was requested, and no other', () => {
    const state = peer();
    fetch(state, 0, 100);
    state.requested({ piece: 0, block: 1 }, 100, 50_000);
    state.requested({ piece: 0, block: 2 }, 100, 50_090);
    state.received(100, 50_100);
    expect(state.msPerByte).toBe(1);
    state.received(100, 50_200);
    expect(state.msPerByte).toBe(1);
  });

  it('is at least a millionth of a millisecond', () => {
    const state = peer();
    state.received(1000, 0);
    expect(state.msPerByte).toBe(1e-6);
  });
});

describe('PeerState, window', () => {
  /** Blocks that arrive at this interval, from one time up to another, exclusive. */
  function receive(state: PeerState, [fromMs, untilMs]: readonly [number, number], everyMs: number): void {
    for (let now = fromMs; now < untilMs; now += everyMs) state.received(BLOCK, now);
  }

  it('ends slow start half a second after a check if the rate grew by less than 15 % meanwhile', () => {
    const state = peer();
    receive(state, [0, 500], 100);
    state.tick(500);
    receive(state, [500, 1000], 100);
    state.tick(999);
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW + 10 * BLOCK);
    state.tick(1000); // Ten blocks per second, as before: what arrives in 0.3 s.
    expect(state.room(FOREVER)).toBe(3 * BLOCK);
    state.received(BLOCK, 1000);
    expect(state.room(FOREVER)).toBe(3 * BLOCK);
  });

  it('continues slow start while the rate grows', () => {
    const state = peer();
    receive(state, [0, 500], 100);
    state.tick(500);
    receive(state, [500, 1000], 50);
    state.tick(1000);
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW + 15 * BLOCK);
    receive(state, [1000, 1500], 50);
    state.tick(1500); // 25 blocks in 1.5 s after 15 in one: a ninth more.
    expect(state.room(FOREVER)).toBeCloseTo((0.3 * BLOCK * 25) / 1.5);
  });

  it('has no room when 2,048 requests are unanswered, including cancelled ones', () => {
    const state = peer();
    for (let block = 0; block < 2047; block++) {
      const id = state.requested({ piece: 0, block }, 1, 0);
      if (block % 2 === 0) state.cancelled(state.requests.get(id)!);
    }
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW - 1023);
    const last = state.requested({ piece: 0, block: 2047 }, 1, 0);
    expect(state.room(FOREVER)).toBe(0);
    state.answered(last);
    expect(state.room(FOREVER)).toBe(FIRST_WINDOW - 1023);
  });

  it('numbers its requests from 1', () => {
    const state = peer();
    expect([0, 1, 2].map((block) => state.requested({ piece: 0, block }, 1, 0))).toEqual([1, 2, 3]);
  });
});

describe('PeerState, pieces and choices', () => {
  const [one, other] = [new ActivePiece(0, 4, false), new ActivePiece(1, 4, false)] as const;

  it('keeps a piece assigned until it is unassigned, and then returns it', () => {
    const state = peer();
    state.assigned(one);
    state.assigned(other);
    expect([state.unassigned(one), state.unassigned(one)]).toEqual([true, false]);
    expect(state.unassignedAll()).toEqual([other]);
    expect(state.owned.size).toBe(0);
  });

  it('gives a piece until it has finished it or stops', () => {
    const state = peer();
    state.startedGiving(one);
    state.startedGiving(other);
    state.finishedGiving(one);
    expect(state.stoppedGiving()).toEqual([other]);
    expect(state.given.size).toBe(0);
  });

  it('owes a block of its choice only once it has started a piece', () => {
    const state = peer();
    state.requested(undefined, BLOCK, 0);
    expect(state.isSilent(60_000)).toBe(false);
    state.startedGiving(one);
    expect(state.isSilent(60_000)).toBe(true);
  });

  it('counts consecutive useless choices', () => {
    const state = peer();
    for (const useful of [false, false]) state.chose(useful);
    expect(state.uselessChoices).toBe(2);
    state.chose(true);
    expect(state.uselessChoices).toBe(0);
  });

  it('reports whether a learnt or lost piece is news', () => {
    const state = peer();
    expect([state.lost(3), state.lost(3), state.has.has(3)]).toEqual([true, false, false]);
    expect([state.learnt(3), state.learnt(3), state.has.has(3)]).toEqual([true, false, true]);
  });

  it.each([
    ['zone', true, false],
    ['far', false, true],
    ['unknown', false, false],
  ] as const)('of distance %s is near (%s) or far (%s)', (distance, near, far) => {
    const state = peer();
    state.located(distance);
    expect([state.isNear, state.isFar]).toEqual([near, far]);
  });
});
