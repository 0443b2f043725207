import type { Bitfield } from '@enjambre/core/bitfield';

/** Number of live hosts that have each piece. */
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

  /** Removes the pieces of a host that died. */
  removeAll(pieces: Bitfield): void {
    for (const piece of pieces.indexes()) this.#holders[piece] = this.of(piece) - 1;
  }

  of(piece: number): number {
    return this.#holders[piece] ?? 0;
  }

  /** Pieces that no live host has. */
  lost(): number[] {
    return [...this.#holders.keys()].filter((piece) => this.of(piece) === 0);
  }
}
