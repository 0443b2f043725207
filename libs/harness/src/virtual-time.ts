interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** What is going to happen on virtual time: by time, and by order of entry among equals. */
export class VirtualTime {
  /** The next one last. */
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

  /** Lets so much time go by. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.step(untilMs));
    this.#nowMs = untilMs;
  }
}
