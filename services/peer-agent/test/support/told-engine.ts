import { expect } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import { subtreeRoot } from '@enjambre/core/merkle';
import type { RejectReason } from '../../src/domain/block.js';
import type { EngineConfig } from '../../src/domain/download/config.js';
import { DownloadEngine } from '../../src/domain/download/download-engine.js';
import type { DownloadEffect } from '../../src/domain/download/messages.js';
import type { BudgetShare } from '../../src/domain/download/outstanding-budget.js';
import { seededRandom } from '../../src/domain/random.js';
import { bytesOf, metainfoOf } from './content.js';
import { peerNamed } from './ids.js';

export type Asked = Extract<DownloadEffect, { type: 'request' }>;

const ONE_BY_ONE: Partial<EngineConfig> = { initialWindowBytes: 1, queueSeconds: 0 };

interface ToldOptions {
  readonly pieces: number;
  /** Length of a piece. Blocks have 256 KiB, or 16 KiB if a piece is one block. @default 1 */
  readonly blocks?: number;
  /** @default one request at a time at first, so that each choice is visible */
  readonly config?: Partial<EngineConfig>;
  readonly budget?: BudgetShare;
}

/** An engine driven by explicit events. */
export class ToldEngine {
  readonly engine: DownloadEngine;
  readonly blockBytes: number;
  readonly #pieceBytes: number;
  readonly #data: Buffer;
  readonly #layout: PieceLayout;

  constructor({ pieces, blocks = 1, config = ONE_BY_ONE, budget }: ToldOptions) {
    this.blockBytes = blocks === 1 ? LEAF_SIZE : BLOCK_SIZE;
    this.#pieceBytes = blocks * this.blockBytes;
    this.#data = bytesOf(pieces * this.#pieceBytes);
    this.#layout = new PieceLayout(metainfoOf(this.#data, this.#pieceBytes));
    const have = Bitfield.empty(pieces);
    const random = seededRandom(1);
    this.engine = new DownloadEngine(
      { layout: this.#layout, have, random, ...(budget && { budget }) },
      config,
    );
  }

  join(peer: PeerId, pieces: readonly number[], atMs = 0): DownloadEffect[] {
    const has = Bitfield.empty(this.#layout.pieceCount);
    for (const piece of pieces) has.set(piece);
    return this.engine.handle({ type: 'source-joined', source: peer, has }, atMs);
  }

  /** A peer that has the pieces and sends none of them. */
  holder(name: string, pieces: readonly number[]): PeerId {
    const peer = peerNamed(name);
    this.join(peer, []);
    this.engine.handle({ type: 'source-choked', source: peer }, 0);
    this.learn(peer, pieces);
    return peer;
  }

  learn(peer: PeerId, pieces: readonly number[], atMs = 0): DownloadEffect[] {
    return this.engine.handle({ type: 'source-has', source: peer, pieces }, atMs);
  }

  leave(peer: PeerId, atMs = 0): DownloadEffect[] {
    return this.engine.handle({ type: 'source-left', source: peer }, atMs);
  }

  arrive({ source: peer, id, ref }: Asked, atMs = 0): DownloadEffect[] {
    return this.engine.handle({ type: 'block-arrived', source: peer, id, ref }, atMs);
  }

  reject({ source: peer, id }: Asked, reason: RejectReason, atMs = 0): DownloadEffect[] {
    return this.engine.handle({ type: 'block-rejected', source: peer, id, reason }, atMs);
  }

  /** The received block is on disk; `wrong` if its content is bad. */
  store({ ref }: Asked, { atMs = 0, wrong = false } = {}): DownloadEffect[] {
    const at = ref.piece * this.#pieceBytes + ref.block * this.blockBytes;
    const bytes = this.#data.subarray(at, at + this.blockBytes);
    const digest = wrong ? Buffer.alloc(32) : subtreeRoot(bytes, this.#layout.blockLeaves(ref.piece));
    return this.engine.handle({ type: 'block-stored', ref, digest }, atMs);
  }

  /** The received block was lost before it was on disk. */
  lose({ ref }: Asked, atMs = 0): DownloadEffect[] {
    return this.engine.handle({ type: 'block-stored', ref, digest: undefined }, atMs);
  }

  tick(atMs: number): DownloadEffect[] {
    return this.engine.handle({ type: 'tick' }, atMs);
  }
}

export function asked(effects: readonly DownloadEffect[]): Asked[] {
  return effects.filter((effect) => effect.type === 'request');
}

/** The only request among the effects. */
export function only(effects: readonly DownloadEffect[]): Asked {
  const requests = asked(effects);
  expect(requests.length).toBe(1);
  return requests[0]!;
}
