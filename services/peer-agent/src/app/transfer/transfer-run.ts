/** One run of a transfer's work, from its start until it ends or {@link abort} is called. */
export class TransferRun {
  readonly #abort = new AbortController();
  #done: Promise<void> = Promise.resolve();
  readonly #resting: Promise<void>;
  #rest: () => void = () => undefined;

  constructor() {
    this.#resting = new Promise((resolve) => (this.#rest = resolve));
  }

  /**
   * Starts the work. Called once.
   *
   * @param failed called if the work fails before it is aborted
   */
  start(work: (signal: AbortSignal) => Promise<void>, failed: (error: unknown) => void): void {
    const { signal } = this.#abort;
    this.#done = work(signal).catch((error: unknown) => {
      if (!signal.aborted) failed(error);
    });
  }

  /** Resolves when the work has ended; does not reject. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Resolves when the work has ended or is only waiting; does not reject. */
  get settled(): Promise<void> {
    return Promise.race([this.#done, this.#resting]);
  }

  /** From now on the work is only waiting. */
  rest(): void {
    this.#rest();
  }

  abort(): void {
    this.#abort.abort();
  }
}
