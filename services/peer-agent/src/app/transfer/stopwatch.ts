/** Adds up the time for which something was running. */
export class Stopwatch {
  #sinceMs: number | undefined;

  /** @param addedMs time from before, for example from an earlier process */
  constructor(
    private addedMs: number,
    private readonly nowMs: () => number,
  ) {}

  /** The total so far. */
  get ms(): number {
    return this.addedMs + (this.#sinceMs === undefined ? 0 : this.nowMs() - this.#sinceMs);
  }

  /** Starts or stops it. */
  run(running: boolean): void {
    this.addedMs = this.ms;
    this.#sinceMs = running ? this.nowMs() : undefined;
  }
}
