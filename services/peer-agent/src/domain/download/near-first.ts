import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import type { EngineLayout } from '../engine-layout.js';
import { FarTrial } from './far-trial.js';
import type { PeerState } from './peer-state.js';

/** The next peer of a zone in the ranking for a piece waits this long for the one before it. */
const PATIENCE_MS = 2000;
/** Interval at which far peers that were left out are reviewed. */
const REVIEW_MS = 500;

/**
 * Decides which pieces a download requests from peers in other zones while there are peers in its own
 * (docs/adr/0011-locality.md).
 *
 * A piece that no near peer has must cross zones once: one peer of the zone fetches it, the others get it from there.
 * Peers do not negotiate who fetches it: each ranks itself and its near peers for the piece by a hash, and the first
 * takes it; the second takes it only after two seconds without anything to fetch from afar during which the piece has
 * not appeared, and so on. Pieces that near peers have are requested from far ones only if {@link FarTrial} found that
 * to be much faster.
 *
 * Peers at an unknown distance are neither near nor far: nothing here holds them back.
 */
export class NearFirst {
  readonly #near = new Set<PeerState>();
  #farPeers = 0;
  /**
   * How many near peers have each piece, without super-seeders: they are busy with pieces that no peer has. Allocated
   * when the first peer with a known distance joins, like the arrays below.
   */
  #nearCounts = new Uint32Array(0);
  /** For each piece, how many near peers rank before us. */
  #ranks = new Uint32Array(0);
  /** When a far peer first had each piece; 0 if none has. */
  #seenMs = new Float64Array(0);
  /** When far peers last delivered anything. */
  #fetchedMs = 0;
  #reviewMs = 0;
  #trial: FarTrial | undefined;
  /** Super-seeding near peers. */
  #nearSuperSeeders = 0;
  #farSuperSeeders = 0;

  constructor(
    private readonly self: PeerId,
    private readonly pieces: { readonly count: number; readonly bytes: number },
  ) {}

  /** True while there are both near and far peers. */
  get #isOn(): boolean {
    return this.#near.size > 0 && this.#farPeers > 0;
  }

  joined(peer: PeerState, distance: Distance, nowMs: number): void {
    peer.located(distance);
    if (!peer.isFar && !peer.isNear) return;
    const wasOn = this.#isOn;
    if (this.#trial === undefined) this.#begin(nowMs);
    if (peer.isFar) this.#farPeers += 1;
    if (peer.isNear) this.#enter(peer, 1);
    this.#fetchedMs = wasOn ? this.#fetchedMs : nowMs;
    for (const piece of peer.has.indexes()) this.learnt(peer, piece, nowMs);
  }

  /** The peer starts or stops super-seeding: call before its state changes. */
  superSeeds(peer: PeerState, on: boolean): void {
    if (peer.superSeeds === on) return;
    this.#countSuperSeeder(peer, on ? 1 : -1);
    if (peer.isNear) for (const piece of peer.has.indexes()) this.#count(piece, on ? -1 : 1);
  }

  left(peer: PeerState): void {
    if (peer.superSeeds) this.#countSuperSeeder(peer, -1);
    if (peer.isFar) this.#farPeers -= 1;
    if (!peer.isNear) return;
    this.#enter(peer, -1);
    for (const piece of peer.has.indexes()) this.lost(peer, piece);
  }

  /** The peer has one more piece. */
  learnt(peer: PeerState, piece: number, nowMs: number): void {
    if (peer.isNear && !peer.superSeeds) this.#count(piece, 1);
    else if (peer.isFar) this.#seenMs[piece] ||= nowMs;
  }

  /** The peer does not have the piece after all. */
  lost(peer: PeerState, piece: number): void {
    if (peer.isNear && !peer.superSeeds) this.#count(piece, -1);
  }

  received(peer: PeerState, bytes: number, nowMs: number): void {
    this.#trial?.received(bytes);
    if (peer.isFar) this.#fetchedMs = nowMs;
  }

  /** Test for the pieces that may be started with a peer, among those that it has; undefined if all may. */
  admission(peer: PeerState, nowMs: number): ((piece: number) => boolean) | undefined {
    if (!this.#holdsBack(peer)) return undefined;
    return (piece) => this.#admits(piece, nowMs);
  }

  /** True if the peer may super-seed to us: a far one may not while a near one does. */
  mayChoose(peer: PeerState): boolean {
    if (!this.#holdsBack(peer) || this.#trial?.isOpen) return true;
    return this.#nearSuperSeeders === 0;
  }

  /** Advances the time. True if idle far peers must be reviewed. */
  review(wanted: Bitfield, nowMs: number): boolean {
    if (!this.#isOn) return false;
    const wasOpen = this.#trial?.isOpen;
    this.#trial?.tick(nowMs, () => this.#backlog(wanted));
    if (wasOpen === this.#trial?.isOpen && nowMs < this.#reviewMs) return false;
    this.#reviewMs = nowMs + REVIEW_MS;
    return true;
  }

  /** True if a far peer offers to super-seed, but must not. */
  get #isChoiceLeft(): boolean {
    return this.#isOn && !this.#trial?.isOpen && this.#nearSuperSeeders > 0 && this.#farSuperSeeders > 0;
  }

  #countSuperSeeder({ isNear, isFar }: PeerState, by: 1 | -1): void {
    if (isNear) this.#nearSuperSeeders += by;
    if (isFar) this.#farSuperSeeders += by;
  }

  #holdsBack(peer: PeerState): boolean {
    return peer.isFar && this.#isOn;
  }

  #admits(piece: number, nowMs: number): boolean {
    if ((this.#nearCounts[piece] ?? 0) > 0) return this.#trial?.isOpen === true;
    const waitedMs = nowMs - Math.max(this.#seenMs[piece] ?? 0, this.#fetchedMs);
    return waitedMs >= (this.#ranks[piece] ?? 0) * PATIENCE_MS;
  }

  /** Bytes that near peers have and that were requested of no peer. */
  #backlog(wanted: Bitfield): number {
    if (this.#isChoiceLeft) return wanted.count * this.pieces.bytes;
    let count = 0;
    for (const piece of wanted.indexes()) count += (this.#nearCounts[piece] ?? 0) > 0 ? 1 : 0;
    return count * this.pieces.bytes;
  }

  #count(piece: number, by: 1 | -1): void {
    this.#nearCounts[piece] = (this.#nearCounts[piece] ?? 0) + by;
  }

  #begin(nowMs: number): void {
    this.#trial = new FarTrial(nowMs);
    this.#ranks = new Uint32Array(this.pieces.count);
    this.#nearCounts = new Uint32Array(this.pieces.count);
    this.#seenMs = new Float64Array(this.pieces.count);
  }

  #enter(peer: PeerState, by: 1 | -1): void {
    if (by > 0) this.#near.add(peer);
    else this.#near.delete(peer);
    const [own, other] = [seedOf(this.self), seedOf(peer.id)];
    for (let piece = 0; piece < this.pieces.count; piece++) {
      const [ours, theirs] = [mix(own, piece), mix(other, piece)];
      if (theirs > ours || (theirs === ours && peer.id > this.self))
        this.#ranks[piece] = (this.#ranks[piece] ?? 0) + by;
    }
  }
}

/** Number of pieces, and length of the first. */
export function piecesOf(layout: EngineLayout): { count: number; bytes: number } {
  return { count: layout.pieceCount, bytes: layout.longestBlock * layout.blockCount(0) };
}

/** Peer ids are hashes: some of their bits are as good as all. */
function seedOf(id: PeerId): number {
  return Number.parseInt(id.slice(0, 8), 16) ^ Number.parseInt(id.slice(-8), 16);
}

/** Mixes a seed and an index into 32 bits (the finalizer of MurmurHash3). */
function mix(seed: number, index: number): number {
  let hash = seed ^ Math.imul(index + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
