/** Adds up the time in which something ran. */
export class Stopwatch {
  #sinceMs: number | undefined;

  /** @param addedMs what ran before, such as in an earlier process */
  constructor(
    private addedMs: number,
    private readonly nowMs: () => number,
  ) {}

  /** Milliseconds so far. */
  get ms(): number {
    return this.addedMs + (this.#sinceMs === undefined ? 0 : this.nowMs() - this.#sinceMs);
  }

  /** Lets it run, or stops it. */
  run(running: boolean): void {
    this.addedMs = this.ms;
    this.#sinceMs = running ? this.nowMs() : undefined;
  }
}
