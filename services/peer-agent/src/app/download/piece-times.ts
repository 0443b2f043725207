import type { Times } from '../agent/meter.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Measures how long pieces take: from the first request of a piece, or its first block if the uploader chose it. */
export class PieceTimes {
  readonly #begun = new Map<number, number>();

  constructor(
    private readonly clock: Clock,
    private readonly times: Times,
  ) {}

  begin(piece: number): void {
    if (!this.#begun.has(piece)) this.#begun.set(piece, this.clock.nowMs());
  }

  verified(piece: number): void {
    const begun = this.#begun.get(piece);
    this.#begun.delete(piece);
    if (begun !== undefined) this.times.observe((this.clock.nowMs() - begun) / 1000);
  }
}
