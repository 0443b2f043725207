import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { PeerState } from './peer-state.js';
import { PiecePicker } from './picker/piece-picker.js';
import { findEndgameRequest, type EndgameRequest } from './endgame.js';

const PIECE = 4 * BLOCK_SIZE;
const layout = new PieceLayout(metainfoOf(bytesOf(3 * PIECE), PIECE));

/** A picker with requests made manually. */
class Scene {
  readonly picker = new PiecePicker(layout, Bitfield.empty(layout.pieceCount));
  readonly #peers = new Map<PeerState['id'], PeerState>();

  /** @param isEndgame every piece has been requested */
  constructor(isEndgame = true) {
    if (isEndgame) for (let piece = 0; piece < layout.pieceCount; piece++) this.picker.start(piece);
  }

  /** A peer that sends `rate` bytes per second at time 0; 0 is unknown. */
  peer(name: string, rate: number, has = Bitfield.full(layout.pieceCount)): PeerState {
    const state = new PeerState(peerNamed(name), has, DEFAULT_ENGINE_CONFIG, 0);
    if (rate > 0) state.received(rate / 10, 0);
    this.#peers.set(state.id, state);
    return state;
  }

  /** A peer with the same rate at time 0 that took `msPerByte` for each byte of its first block. */
  slowPeer(name: string, rate: number, msPerByte: number): PeerState {
    const has = Bitfield.full(layout.pieceCount);
    const state = new PeerState(peerNamed(name), has, DEFAULT_ENGINE_CONFIG, (-msPerByte * rate) / 10);
    state.received(rate / 10, 0);
    this.#peers.set(state.id, state);
    return state;
  }

  ask(of: PeerState, piece: number, block: number, nowMs = 0): void {
    if (!this.picker.active.has(piece)) this.picker.start(piece);
    of.requested({ piece, block }, BLOCK_SIZE, nowMs);
    this.picker.block({ piece, block })!.askedOf.push(of.id);
  }

  /** Fails the piece with blocks of several senders, which puts it on parole. */
  doubt(index: number): void {
    const doubtful = this.picker.start(index);
    doubtful.blocks.forEach((block, at) => {
      block.sender = peerNamed(`sender ${at}`);
      doubtful.store(at, Buffer.alloc(32));
    });
    this.picker.smartBan.failed(doubtful);
    this.picker.reset(doubtful);
  }

  find(idle: PeerState, nowMs: number): EndgameRequest | undefined {
    return findEndgameRequest(this.picker, this.#peers, idle, { config: DEFAULT_ENGINE_CONFIG, nowMs });
  }
}

const FAST = 10 * BLOCK_SIZE;
const SLOW = BLOCK_SIZE / 4; // Four seconds per block.

describe('findEndgameRequest', () => {
  it('leaves a request with an owner that is about as fast', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', FAST)];
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 0)).toBeUndefined();
  });

  it('steals from an owner that is many times slower', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', SLOW)];
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 0)).toMatchObject({
      kind: 'steal',
      owner,
      request: { ref: { piece: 0, block: 0 } },
    });
  });

  it('first steals the request that would take the longest', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', SLOW)];
    for (const block of [0, 1, 2]) scene.ask(owner, 0, block);
    expect(scene.find(idle, 0)).toMatchObject({ request: { ref: { piece: 0, block: 2 } } });
  });

  it('steals no piece that the idle peer does not have', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST, Bitfield.empty(3)), scene.peer('owner', SLOW)];
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 0)).toBeUndefined();
  });

  it('repeats a request of an owner that is late by its own rate, and no sooner', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', FAST)];
    scene.ask(owner, 0, 0); // Due after 100 ms: late a second after that.
    expect(scene.find(idle, 1090)).toBeUndefined();
    expect(scene.find(idle, 1110)).toMatchObject({ kind: 'late', owner });
  });

  it('repeats nothing, and steals only very slow requests, while pieces are left to request', () => {
    const scene = new Scene(false);
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', SLOW)];
    const late = scene.peer('late', FAST);
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 0)).toBeUndefined(); // Four seconds.
    scene.ask(late, 1, 0);
    expect(scene.find(idle, 1500)).toBeUndefined();
    scene.ask(owner, 0, 1);
    expect(scene.find(idle, 0)).toMatchObject({ kind: 'steal', request: { ref: { piece: 0, block: 1 } } });
  });

  it('steals from an owner that has sent nothing yet once it has taken too long', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', 0)];
    scene.ask(owner, 0, 0);
    idle.received(0.6 * FAST, 700); // Still as fast: 100 ms per block, so more than 800 ms are too long.
    expect(scene.find(idle, 700)).toBeUndefined();
    idle.received(0.2 * FAST, 900);
    expect(scene.find(idle, 900)).toMatchObject({ kind: 'steal', owner });
  });

  it('asks at most two peers for a block, and no peer twice', () => {
    const scene = new Scene();
    const [idle, owner, second] = [
      scene.peer('idle', FAST),
      scene.peer('owner', FAST),
      scene.peer('second', FAST),
    ];
    scene.ask(owner, 0, 0);
    scene.ask(second, 0, 0, 5000);
    expect(scene.find(idle, 5000)).toBeUndefined();
    expect(scene.find(second, 5000)).toBeUndefined();
  });

  it('leaves a cancelled request alone', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', SLOW)];
    scene.ask(owner, 0, 0);
    owner.cancelled(owner.pendingFor({ piece: 0, block: 0 })!);
    expect(scene.find(idle, 9000)).toBeUndefined();
  });

  it('leaves a parole piece to its peer', () => {
    const scene = new Scene();
    const [idle, owner] = [scene.peer('idle', FAST), scene.peer('owner', SLOW)];
    scene.doubt(0);
    scene.ask(owner, 0, 0);
    scene.ask(owner, 1, 0);
    expect(scene.find(idle, 0)).toMatchObject({ request: { ref: { piece: 1 } } });
    expect(scene.find(idle, 60_000)).toMatchObject({ request: { ref: { piece: 1 } } });
  });

  it('leaves a parole piece to its owner unless that is unfit and the idle peer is fit', () => {
    const doubtful = (ownerMsPerByte: number): { scene: Scene; idle: PeerState; owner: PeerState } => {
      const scene = new Scene();
      const idle = scene.slowPeer('idle', FAST, 1);
      const owner = scene.slowPeer('owner', 5120, ownerMsPerByte);
      scene.doubt(0);
      scene.ask(owner, 0, 0);
      return { scene, idle, owner };
    };
    const fit = doubtful(3);
    expect(fit.owner.msPerByte).toBe(3);
    expect(fit.scene.find(fit.idle, 0)).toBeUndefined();
    const { scene, idle, owner } = doubtful(3.01);
    expect(scene.find(idle, 0)).toMatchObject({ kind: 'steal', owner });
    scene.slowPeer('quick', FAST, 0.1);
    expect(scene.find(idle, 0)).toBeUndefined();
  });

  it('steals what would arrive later than three times as long plus half a second, and nothing sooner', () => {
    for (const [ownerWaitMs, kind] of [
      [800, undefined],
      [801, 'steal'],
    ] as const) {
      const scene = new Scene();
      const idle = scene.peer('idle', FAST); // It would take 100 ms.
      scene.ask(scene.peer('owner', (BLOCK_SIZE * 1000) / ownerWaitMs), 0, 0);
      expect(scene.find(idle, 0)?.kind).toBe(kind);
    }
  });

  it('steals nothing that was already requested from two peers', () => {
    const scene = new Scene();
    const [idle, owner, second] = [
      scene.peer('idle', FAST),
      scene.peer('owner', SLOW),
      scene.peer('second', SLOW),
    ];
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 0)).toMatchObject({ kind: 'steal' });
    scene.ask(second, 0, 0);
    expect(scene.find(idle, 0)).toBeUndefined();
  });

  it('treats a request as late at twice its time and a second after it, whichever is later', () => {
    const quick = new Scene();
    const idle = quick.peer('idle', FAST);
    quick.ask(quick.peer('owner', FAST), 0, 0); // Due after 100 ms.
    expect(quick.find(idle, 1100)).toBeUndefined();
    expect(quick.find(idle, 1100.5)).toMatchObject({ kind: 'late' });
    const slow = new Scene();
    const unknown = slow.peer('unknown', 0);
    slow.ask(slow.peer('owner', SLOW), 0, 0); // Due after four seconds.
    expect(slow.find(unknown, 5000)).toBeUndefined();
    expect(slow.find(unknown, 8001)).toMatchObject({ kind: 'late' });
  });

  it('picks, of two late requests, the one that waits the longest', () => {
    const scene = new Scene();
    const [idle, owner, second] = [
      scene.peer('idle', FAST),
      scene.peer('owner', FAST),
      scene.peer('second', FAST),
    ];
    scene.ask(second, 1, 0, 50);
    scene.ask(owner, 0, 0);
    expect(scene.find(idle, 5000)).toMatchObject({ owner, request: { ref: { piece: 0 } } });
  });
});
