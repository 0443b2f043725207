import type { EngineLayout } from '../engine/engine-layout.js';
import type { PieceClass } from './piece-class.js';
import type { PieceSpread, SpreadMember } from './piece-spread.js';

/** Where a block lies, in bytes of its piece. */
export interface BlockPlace {
  readonly piece: number;
  readonly begin: number;
  readonly length: number;
}

/** What one downloader is sent by the uploader's choice: a piece after the other, each block by block. */
export class ChosenBlocks {
  #piece = -1;
  #block = 0;
  #begin = 0;

  constructor(
    private readonly spread: PieceSpread,
    private readonly member: SpreadMember,
    private readonly layout: EngineLayout,
  ) {}

  /** The next block: see {@link PieceSpread.choose} for `later` and `none`. */
  next(of: PieceClass, nowMs: number): BlockPlace | 'later' | 'none' {
    if (!this.#goesOn()) {
      const choice = this.spread.choose(this.member, of, nowMs);
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

  /** True if the piece begun is not all sent, and the downloader did not get it from elsewhere. */
  #goesOn(): boolean {
    if (this.#piece === -1 || this.#block >= this.layout.blockCount(this.#piece)) return false;
    return !this.member.has.has(this.#piece);
  }
}
