interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Scheduled calls on virtual time: ordered by time, then by insertion. */
export class VirtualTime {
  /** Sorted; the next one is last. */
  readonly #entries: Entry[] = [];
  #order = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `run` in `delayMs` from now. Returns a function that cancels it. */
  in(delayMs: number, run: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, order: this.#order++, run, cancelled: false };
    let low = 0;
    for (let high = this.#entries.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.atMs ?? 0) > entry.atMs) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /** Runs the next entry. False if there is none until `untilMs`. */
  step(untilMs = Infinity): boolean {
    const next = this.#entries.at(-1);
    if (!next || next.atMs > untilMs) return false;
    this.#entries.pop();
    this.#nowMs = next.atMs;
    if (!next.cancelled) next.run();
    return true;
  }

  /** Advances by `ms`, running the entries that are due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.step(untilMs));
    this.#nowMs = untilMs;
  }
}
