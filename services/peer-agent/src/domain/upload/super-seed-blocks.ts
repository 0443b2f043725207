import type { BlockPlace } from '../block.js';
import type { EngineLayout } from '../engine-layout.js';
import type { PieceClass } from './piece-class.js';
import type { SuperSeeding, SuperSeedMember } from './super-seeding.js';

/** The blocks that super-seeding sends to one downloader: piece by piece, each block by block. */
export class SuperSeedBlocks {
  #piece = -1;
  #block = 0;
  #begin = 0;

  constructor(
    private readonly superSeeding: SuperSeeding,
    private readonly member: SuperSeedMember,
    private readonly layout: EngineLayout,
  ) {}

  /** The next block: see {@link SuperSeeding.choose} for `later` and `none`. */
  next(of: PieceClass, nowMs: number): BlockPlace | 'later' | 'none' {
    if (!this.#goesOn()) {
      const choice = this.superSeeding.choose(this.member, of, nowMs);
      if (typeof choice === 'string') return choice;
      this.#piece = choice.piece;
      this.#block = 0;
      this.#begin = 0;
    }
    const place = {
      piece: this.#piece,
      begin: this.#begin,
      length: this.layout.blockSize(this.#piece, this.#block),
    };
    this.#block += 1;
    this.#begin += place.length;
    return place;
  }

  /** True if the current piece is not fully sent, and the downloader did not get it elsewhere. */
  #goesOn(): boolean {
    if (this.#piece === -1 || this.#block >= this.layout.blockCount(this.#piece)) return false;
    return !this.member.has.has(this.#piece);
  }
}
