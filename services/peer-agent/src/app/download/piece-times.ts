import type { Times } from '../agent/meter.js';

/** Measures how long pieces take: from the first request that names one, or its first block if the uploader chose it. */
export class PieceTimes {
  readonly #begun = new Map<number, number>();

  constructor(private readonly times: Times) {}

  begin(piece: number): void {
    if (!this.#begun.has(piece)) this.#begun.set(piece, performance.now());
  }

  verified(piece: number): void {
    const begun = this.#begun.get(piece);
    this.#begun.delete(piece);
    if (begun !== undefined) this.times.observe((performance.now() - begun) / 1000);
  }
}
