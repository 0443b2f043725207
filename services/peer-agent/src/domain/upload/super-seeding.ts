import { Bitfield } from '@enjambre/core/bitfield';
import type { Random } from '../random.js';
import { firstOfClass, type PieceClass } from './piece-class.js';

/**
 * `piece`: send this one. `later`: all rare pieces are on their way to other downloaders; ask again when one may have
 * been lost. `none`: no piece of the class is rare.
 */
export type Choice = { readonly piece: number } | 'later' | 'none';

/** A downloader. {@link SuperSeeding.learn} keeps `has` up to date. */
export interface SuperSeedMember {
  readonly has: Bitfield;
  /** Pieces chosen for it that it has not announced yet, with the time at which the choice expires. */
  readonly chosen: Map<number, number>;
}

/** A chosen piece of which no byte was sent for this long may be chosen for another downloader. */
const LOST_MS = 3000;

/**
 * Super-seeding, driven by the uploader (BEP 16 hides pieces instead; docs/adr/0008-uploaders-choice.md): sends a
 * different piece to each downloader of a file, so that they exchange them, and no piece is sent twice before all were
 * sent once. A piece is rare while no downloader has it. The uploader knows the pieces that downloaders have, from
 * their Sync streams, and those on their way to them.
 */
export class SuperSeeding {
  readonly #members = new Set<SuperSeedMember>();
  /** How many members have each piece. */
  readonly #copies: Uint32Array;
  /** Pieces that no member has. */
  #rare: Bitfield;
  /** Rare pieces that are not on their way to a member either. */
  #free: Bitfield;
  /** No piece on its way expires before this time. */
  #nextLossMs = 0;

  constructor(
    private readonly pieceCount: number,
    private readonly random: Random,
  ) {
    this.#copies = new Uint32Array(pieceCount);
    this.#rare = Bitfield.full(pieceCount);
    this.#free = Bitfield.full(pieceCount);
  }

  /** True if super-seeding is useful: there are several downloaders, and pieces that none of them has. */
  get isUseful(): boolean {
    return this.#members.size > 1 && !this.#rare.isEmpty();
  }

  /** @param has its bitfield; copied */
  enter(has: Bitfield): SuperSeedMember {
    const member = { has: Bitfield.empty(this.pieceCount), chosen: new Map<number, number>() };
    this.#members.add(member);
    this.learn(member, has.indexes());
    return member;
  }

  /** The member has more pieces. */
  learn(member: SuperSeedMember, pieces: Iterable<number>): void {
    for (const piece of pieces) {
      if (!member.has.set(piece)) continue;
      member.chosen.delete(piece);
      const copies = (this.#copies[piece] ?? 0) + 1;
      this.#copies[piece] = copies;
      if (copies > 1) continue;
      this.#rare.clear(piece);
      this.#free.clear(piece);
    }
  }

  /**
   * Removes a member. A member that has everything keeps serving it: its pieces do not become rare until all members
   * are gone.
   */
  leave(member: SuperSeedMember): void {
    if (!this.#members.delete(member)) return;
    if (this.#members.size === 0) return this.#reset();
    for (const piece of member.chosen.keys()) this.#release(piece);
    if (member.has.isFull()) return;
    for (const piece of member.has.indexes()) {
      const copies = (this.#copies[piece] ?? 0) - 1;
      this.#copies[piece] = copies;
      if (copies > 0) continue;
      this.#rare.set(piece);
      this.#release(piece);
    }
  }

  /** The next piece for a member: a rare one that was sent to no member, at random. */
  choose(member: SuperSeedMember, of: PieceClass, nowMs: number): Choice {
    if (!this.isUseful) return 'none';
    const piece =
      this.#pick(this.#free, of) ?? (this.#giveUp(nowMs) ? this.#pick(this.#free, of) : undefined);
    if (piece === undefined) return this.#pick(this.#rare, of) === undefined ? 'none' : 'later';
    this.sent(member, piece, nowMs);
    return { piece };
  }

  /** A part of a piece was sent to the member, by choice or because it requested it. */
  sent(member: SuperSeedMember, piece: number, nowMs: number): void {
    if (!this.#members.has(member) || !this.#rare.has(piece)) return;
    this.#free.clear(piece);
    member.chosen.set(piece, nowMs + LOST_MS);
  }

  #reset(): void {
    this.#copies.fill(0);
    this.#rare = Bitfield.full(this.pieceCount);
    this.#free = Bitfield.full(this.pieceCount);
  }

  #pick(pieces: Bitfield, of: PieceClass): number | undefined {
    const start = Math.floor(this.random() * this.pieceCount);
    const found = firstOfClass(pieces, of, { low: start, high: this.pieceCount });
    const piece = found === -1 ? firstOfClass(pieces, of, { low: 0, high: start }) : found;
    return piece === -1 ? undefined : piece;
  }

  /** Releases expired choices. True if there were any. */
  #giveUp(nowMs: number): boolean {
    if (nowMs < this.#nextLossMs) return false;
    let any = false;
    this.#nextLossMs = nowMs + LOST_MS;
    for (const { chosen } of this.#members) {
      for (const [piece, lostMs] of chosen) {
        if (nowMs < lostMs) {
          this.#nextLossMs = Math.min(this.#nextLossMs, lostMs);
          continue;
        }
        chosen.delete(piece);
        this.#release(piece);
        any = true;
      }
    }
    return any;
  }

  /** A piece may be chosen again, unless a member has it or it is on its way to another. */
  #release(piece: number): void {
    if (!this.#rare.has(piece)) return;
    for (const { chosen } of this.#members) if (chosen.has(piece)) return;
    this.#free.set(piece);
  }
}
