import { createHash } from 'node:crypto';
import { Bitfield } from '@enjambre/core/bitfield';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { subtreeRoot } from '@enjambre/core/merkle';
import type { BlockRef } from '../../src/domain/block.js';
import type { EngineConfig } from '../../src/domain/download/config.js';
import type { BudgetShare } from '../../src/domain/download/outstanding-budget.js';
import { DownloadEngine } from '../../src/domain/download/download-engine.js';
import type { DownloadEffect, DownloadEvent } from '../../src/domain/download/messages.js';
import { seededRandom } from '../../src/domain/random.js';
import { bytesOf, metainfoOf } from './content.js';
import { VirtualTime } from '@enjambre/harness/virtual-time';
import type { Movement } from './windows.js';

/** An uploader on virtual time. Rates in bytes per second. */
export interface VirtualPeer {
  readonly name: string;
  readonly rate: number;
  /** @default 5 */
  readonly latencyMs?: number;
  /** Its pieces; all if absent. */
  readonly has?: readonly number[];
  /** Blocks that it sends wrong. */
  readonly corrupts?: (ref: BlockRef) => boolean;
  /** Accepts requests and never answers. */
  readonly silent?: boolean;
  /** @default 0 */
  readonly joinsMs?: number;
  readonly leavesMs?: number;
}

export interface SwarmOptions {
  readonly bytes: number;
  readonly pieceLength: number;
  readonly peers: readonly VirtualPeer[];
  readonly seed?: number;
  /** Rate of the disk in bytes per second; infinite if absent. */
  readonly diskRate?: number;
  readonly have?: readonly number[];
  /** @default all pieces */
  readonly selected?: readonly number[];
  readonly config?: Partial<EngineConfig>;
  readonly budget?: BudgetShare;
}

export interface SwarmResult {
  /** When the last piece was verified; undefined if it never was. */
  readonly completedMs: number | undefined;
  /** Bytes sent by each peer, including useless ones. */
  readonly sent: ReadonlyMap<string, number>;
  readonly discardedBytes: number;
  readonly banned: readonly string[];
  readonly violations: readonly string[];
  readonly maxOutstandingBytes: number;
  /** Pieces in the order of their verification. */
  readonly verified: readonly number[];
  readonly trace: readonly string[];
  /** Bytes requested, with their times. */
  readonly asked: readonly Movement[];
  /** Bytes received, useful or not, with their times. */
  readonly arrived: readonly Movement[];
}

interface Sending {
  readonly id: number;
  readonly ref: BlockRef;
}

interface Uploader {
  readonly peer: VirtualPeer;
  readonly id: PeerId;
  readonly queue: Sending[];
  /** Unanswered requests, with their blocks. */
  readonly unanswered: Map<number, { ref: BlockRef; cancelled: boolean }>;
  sending: boolean;
  present: boolean;
}

const TICK_MS = 100;

interface VirtualContent {
  readonly layout: PieceLayout;
  /** The root of each block, by piece. */
  readonly digests: readonly (readonly Buffer[])[];
}

/** Hashing is the most expensive part of a run: equal content is hashed once. */
const contents = new Map<string, VirtualContent>();

function contentOf(bytes: number, pieceLength: number): VirtualContent {
  const key = `${bytes}/${pieceLength}`;
  let content = contents.get(key);
  if (!content) {
    const data = bytesOf(bytes);
    const layout = new PieceLayout(metainfoOf(data, pieceLength));
    const blockLength = Math.min(BLOCK_SIZE, pieceLength);
    const digests = Array.from({ length: layout.pieceCount }, (_, piece) =>
      Array.from({ length: layout.blockCount(piece) }, (_, block) => {
        const at = piece * pieceLength + block * blockLength;
        return subtreeRoot(data.subarray(at, at + layout.blockSize(piece, block)), layout.blockLeaves(piece));
      }),
    );
    content = { layout, digests };
    contents.set(key, content);
  }
  return content;
}

/**
 * Runs a {@link DownloadEngine} against uploaders on virtual time and checks its invariants at each step. Throws if one
 * is violated.
 */
export class VirtualSwarm {
  readonly engine: DownloadEngine;
  readonly layout: PieceLayout;
  readonly #digests: VirtualContent['digests'];
  readonly #options: SwarmOptions;
  readonly #uploaders = new Map<PeerId, Uploader>();
  readonly #time = new VirtualTime();
  readonly #stored = new Set<string>();
  readonly #verified: number[] = [];
  readonly #sent = new Map<string, number>();
  readonly #banned: string[] = [];
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #asked: Movement[] = [];
  readonly #arrived: Movement[] = [];
  #diskFreeMs = 0;
  #discarded = 0;
  #maxOutstanding = 0;
  #completedMs: number | undefined;

  constructor(options: SwarmOptions) {
    this.#options = options;
    const { layout, digests } = contentOf(options.bytes, options.pieceLength);
    this.layout = layout;
    this.#digests = digests;
    const have = Bitfield.empty(this.layout.pieceCount);
    for (const piece of options.have ?? []) have.set(piece);
    const random = seededRandom(options.seed ?? 1);
    const { budget, config } = options;
    const selected = this.#bitsOf({ has: options.selected });
    this.engine = new DownloadEngine(
      { layout: this.layout, have, selected, random, ...(budget && { budget }) },
      config,
    );
    for (const peer of options.peers) this.#plan(peer);
    this.#at(TICK_MS, () => this.#tick());
  }

  /** Runs until the download is complete, or until `limitMs` of virtual time, after which it may continue. */
  run(limitMs = 600_000): SwarmResult {
    while (this.#completedMs === undefined && this.#time.step(limitMs));
    return {
      completedMs: this.#completedMs,
      sent: this.#sent,
      discardedBytes: this.#discarded,
      banned: this.#banned,
      violations: this.#violations,
      maxOutstandingBytes: this.#maxOutstanding,
      verified: this.#verified,
      trace: this.#trace,
      asked: this.#asked,
      arrived: this.#arrived,
    };
  }

  #at(delayMs: number, run: () => void): void {
    this.#time.in(delayMs, run);
  }

  #plan(peer: VirtualPeer): void {
    const id = parsePeerId(createHash('sha256').update(peer.name).digest('hex'));
    const uploader: Uploader = { peer, id, queue: [], unanswered: new Map(), sending: false, present: false };
    this.#uploaders.set(id, uploader);
    this.#sent.set(peer.name, 0);
    this.#at(peer.joinsMs ?? 0, () => {
      uploader.present = true;
      this.#feed({ type: 'source-joined', source: id, has: this.#bitsOf(peer) });
    });
    if (peer.leavesMs !== undefined) {
      this.#at(peer.leavesMs, () => {
        this.#gone(uploader);
        this.#feed({ type: 'source-left', source: id });
      });
    }
  }

  #bitsOf({ has }: { readonly has?: readonly number[] | undefined }): Bitfield {
    if (!has) return Bitfield.full(this.layout.pieceCount);
    const bits = Bitfield.empty(this.layout.pieceCount);
    for (const piece of has) bits.set(piece);
    return bits;
  }

  #tick(): void {
    this.#feed({ type: 'tick' });
    this.#at(TICK_MS, () => this.#tick());
  }

  #feed(event: DownloadEvent): void {
    for (const effect of this.engine.handle(event, this.#time.nowMs)) this.#apply(effect);
    const outstanding = this.engine.outstandingBytes;
    this.#maxOutstanding = Math.max(this.#maxOutstanding, outstanding);
    if (outstanding < 0) throw new Error('outstanding bytes are negative');
  }

  #apply(effect: DownloadEffect): void {
    this.#trace.push(`${Math.round(this.#time.nowMs)} ${JSON.stringify(effect)}`);
    switch (effect.type) {
      case 'request':
        return this.#request(effect.source, effect.id, effect.ref);
      case 'request-any':
        throw new Error('left the choice to a peer that chooses nothing');
      case 'cancel':
        return this.#cancel(effect.source, effect.id);
      case 'store':
        return; // Done where the block arrives: the bytes are known there.
      case 'discard':
        this.#discarded += this.layout.blockSize(effect.ref.piece, effect.ref.block);
        return;
      case 'verified':
        return this.#onVerified(effect.piece);
      case 'failed':
        for (let block = 0; block < this.layout.blockCount(effect.piece); block++) {
          this.#stored.delete(`${effect.piece}/${block}`);
        }
        return;
      case 'ban':
      case 'violation': {
        const uploader = this.#uploaderOf(effect.source);
        (effect.type === 'ban' ? this.#banned : this.#violations).push(uploader.peer.name);
        this.#gone(uploader);
        if (effect.type === 'violation') this.#feed({ type: 'source-left', source: effect.source });
        return;
      }
      case 'complete':
        this.#completedMs = this.#time.nowMs;
    }
  }

  #request(peer: PeerId, id: number, ref: BlockRef): void {
    const uploader = this.#uploaderOf(peer);
    if (!uploader.present) throw new Error('asked a peer that is not there');
    if (!this.#bitsOf(uploader.peer).has(ref.piece)) throw new Error('asked for a piece that the peer lacks');
    if (this.engine.have.has(ref.piece)) throw new Error('requested a piece that is already present');
    if (uploader.unanswered.has(id)) throw new Error('used the id of an unanswered request again');
    for (const other of uploader.unanswered.values()) {
      if (!other.cancelled && other.ref.piece === ref.piece && other.ref.block === ref.block) {
        throw new Error('asked the same peer twice for a block');
      }
    }
    uploader.unanswered.set(id, { ref, cancelled: false });
    this.#asked.push({ atMs: this.#time.nowMs, bytes: this.layout.blockSize(ref.piece, ref.block) });
    this.#at(uploader.peer.latencyMs ?? 5, () => {
      uploader.queue.push({ id, ref });
      this.#pump(uploader);
    });
  }

  #cancel(peer: PeerId, id: number): void {
    const uploader = this.#uploaderOf(peer);
    const request = uploader.unanswered.get(id);
    if (!request || request.cancelled) throw new Error('cancelled what was not asked');
    request.cancelled = true;
    this.#at(uploader.peer.latencyMs ?? 5, () => {
      const at = uploader.queue.findIndex((sending) => sending.id === id);
      if (at === -1 || uploader.peer.silent) return;
      uploader.queue.splice(at, 1);
      this.#answer(uploader, id, () =>
        this.#feed({ type: 'block-rejected', source: peer, id, reason: 'cancelled' }),
      );
    });
  }

  #pump(uploader: Uploader): void {
    if (uploader.sending || uploader.peer.silent || !uploader.present) return;
    const next = uploader.queue.shift();
    if (!next) return;
    uploader.sending = true;
    const bytes = this.layout.blockSize(next.ref.piece, next.ref.block);
    this.#at((bytes * 1000) / uploader.peer.rate, () => {
      uploader.sending = false;
      if (!uploader.present) return;
      this.#sent.set(uploader.peer.name, (this.#sent.get(uploader.peer.name) ?? 0) + bytes);
      this.#answer(uploader, next.id, () => this.#arrive(uploader, next));
      this.#pump(uploader);
    });
  }

  #answer(uploader: Uploader, id: number, run: () => void): void {
    this.#at(uploader.peer.latencyMs ?? 5, () => {
      if (!uploader.present) return;
      uploader.unanswered.delete(id);
      run();
    });
  }

  #arrive(uploader: Uploader, { id, ref }: Sending): void {
    this.#arrived.push({ atMs: this.#time.nowMs, bytes: this.layout.blockSize(ref.piece, ref.block) });
    const effects = this.engine.handle(
      { type: 'block-arrived', source: uploader.id, id, ref },
      this.#time.nowMs,
    );
    for (const effect of effects) {
      this.#apply(effect);
      if (effect.type === 'store') this.#store(uploader, ref);
    }
  }

  #store(uploader: Uploader, ref: BlockRef): void {
    const key = `${ref.piece}/${ref.block}`;
    if (this.#stored.has(key)) throw new Error('stored a block twice');
    this.#stored.add(key);
    const length = this.layout.blockSize(ref.piece, ref.block);
    const { diskRate } = this.#options;
    this.#diskFreeMs =
      Math.max(this.#time.nowMs, this.#diskFreeMs) + (diskRate ? (length * 1000) / diskRate : 0);
    const digest = uploader.peer.corrupts?.(ref) ? badDigest(uploader.peer.name) : this.#digest(ref);
    this.#at(this.#diskFreeMs - this.#time.nowMs, () => this.#feed({ type: 'block-stored', ref, digest }));
  }

  #digest({ piece, block }: BlockRef): Buffer {
    const digest = this.#digests[piece]?.[block];
    if (!digest) throw new Error('a block that does not exist arrived');
    return digest;
  }

  #onVerified(piece: number): void {
    if (this.#verified.includes(piece)) throw new Error('verified a piece twice');
    for (let block = 0; block < this.layout.blockCount(piece); block++) {
      if (!this.#stored.has(`${piece}/${block}`)) throw new Error('verified a piece that is not stored');
    }
    this.#verified.push(piece);
  }

  #gone(uploader: Uploader): void {
    uploader.present = false;
    uploader.queue.length = 0;
    uploader.unanswered.clear();
  }

  #uploaderOf(peer: PeerId): Uploader {
    const uploader = this.#uploaders.get(peer);
    if (!uploader) throw new Error('the engine named a peer that does not exist');
    return uploader;
  }
}

function badDigest(author: string): Buffer {
  return createHash('sha256').update(`bad bytes of ${author}`).digest();
}
