import { Bitfield } from '@enjambre/core/bitfield';
import type { Random } from '../random.js';
import { firstOfClass, type PieceClass } from './piece-class.js';

/**
 * `piece`: this one. `later`: all that are rare are on their way to others; ask again when
 * one of them may have got lost. `none`: nothing of the class is rare.
 */
export type Choice = { readonly piece: number } | 'later' | 'none';

/** A downloader. What it has is its owner's to keep up to date, through {@link SuperSeeding.learn}. */
export interface SuperSeedMember {
  readonly has: Bitfield;
  /** Pieces that were chosen for it and that it has not said it has, with when that is given up. */
  readonly chosen: Map<number, number>;
}

/** A chosen piece of which nothing was sent for so long may be chosen for another. */
const LOST_MS = 3000;

/**
 * Super-seeding, driven by the uploader (BEP 16 hides pieces instead; docs/adr/0008-uploaders-choice.md): sends a different piece to
 * each downloader of a file, so that they exchange them, and no piece leaves twice before all have left once. A piece is rare while
 * no downloader has it. Known are the pieces that downloaders have, from their Sync streams, and those on their way to them.
 */
export class SuperSeeding {
  readonly #members = new Set<SuperSeedMember>();
  /** How many members have each piece. */
  readonly #copies: Uint32Array;
  /** Pieces that no member has. */
  #rare: Bitfield;
  /** Those of them that are not on their way to one either. */
  #free: Bitfield;
  /** Nothing that is on its way is overdue before. */
  #nextLossMs = 0;

  constructor(
    private readonly pieceCount: number,
    private readonly random: Random,
  ) {
    this.#copies = new Uint32Array(pieceCount);
    this.#rare = Bitfield.full(pieceCount);
    this.#free = Bitfield.full(pieceCount);
  }

  /** Whether it is of use: several downloaders, and pieces that none of them has. */
  get isUseful(): boolean {
    return this.#members.size > 1 && !this.#rare.isEmpty();
  }

  /** @param has what it has; copied */
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
   * The member is gone. One that has all goes on to serve it: what it has is not rare,
   * until all members are gone.
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

  /** What to send to a member next: a rare piece that nobody was sent yet, at random. */
  choose(member: SuperSeedMember, of: PieceClass, nowMs: number): Choice {
    if (!this.isUseful) return 'none';
    const piece =
      this.#pick(this.#free, of) ?? (this.#giveUp(nowMs) ? this.#pick(this.#free, of) : undefined);
    if (piece === undefined) return this.#pick(this.#rare, of) === undefined ? 'none' : 'later';
    this.sent(member, piece, nowMs);
    return { piece };
  }

  /** A part of a piece was sent to the member, by choice or because it asked for it. */
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

  /** Takes back what is long overdue. True if there was any. */
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

  /** A piece may be chosen again, unless somebody has it or it is on its way to another. */
  #release(piece: number): void {
    if (!this.#rare.has(piece)) return;
    for (const { chosen } of this.#members) if (chosen.has(piece)) return;
    this.#free.set(piece);
  }
}
