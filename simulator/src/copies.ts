import type { Bitfield } from '@enjambre/core/bitfield';

/** How many live hosts hold each piece. */
export class Copies {
  readonly #holders: Uint32Array;

  constructor(pieceCount: number) {
    this.#holders = new Uint32Array(pieceCount);
  }

  add(piece: number): void {
    this.#holders[piece] = this.of(piece) + 1;
  }

  addAll(pieces: Bitfield): void {
    for (const piece of pieces.indexes()) this.add(piece);
  }

  /** The host that held these is gone. */
  removeAll(pieces: Bitfield): void {
    for (const piece of pieces.indexes()) this.#holders[piece] = this.of(piece) - 1;
  }

  of(piece: number): number {
    return this.#holders[piece] ?? 0;
  }

  /** Pieces that nobody alive holds. */
  lost(): number[] {
    return [...this.#holders.keys()].filter((piece) => this.of(piece) === 0);
  }
}
