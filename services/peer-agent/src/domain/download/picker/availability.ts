import type { Bitfield } from '@enjambre/core/bitfield';

/** How many of the connected peers have each piece, and the lowest of those counts among wanted pieces. */
export class Availability {
  readonly counts: Uint32Array;
  /** histogram[n]: number of wanted pieces that n peers have. */
  readonly #histogram: number[] = [];

  constructor(private readonly wanted: Bitfield) {
    this.counts = new Uint32Array(wanted.length);
    this.#histogram[0] = wanted.count;
  }

  /** The lowest count among wanted pieces that at least one peer has; Infinity if there is none. */
  get rarest(): number {
    for (let count = 1; count < this.#histogram.length; count++) {
      if ((this.#histogram[count] ?? 0) > 0) return count;
    }
    return Infinity;
  }

  add(piece: number, change: 1 | -1): void {
    const before = this.counts[piece] ?? 0;
    this.counts[piece] = before + change;
    if (!this.wanted.has(piece)) return;
    this.#bump(before, -1);
    this.#bump(before + change, 1);
  }

  /** The piece is wanted again. */
  want(piece: number): void {
    if (this.wanted.set(piece)) this.#bump(this.counts[piece] ?? 0, 1);
  }

  /** The piece is in hand or in flight. */
  unwant(piece: number): void {
    if (this.wanted.clear(piece)) this.#bump(this.counts[piece] ?? 0, -1);
  }

  #bump(count: number, by: 1 | -1): void {
    this.#histogram[count] = (this.#histogram[count] ?? 0) + by;
  }
}
