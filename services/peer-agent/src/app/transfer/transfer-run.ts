/** Work on a transfer, from its start to its end or to {@link abort}. */
export class TransferRun {
  readonly #abort = new AbortController();
  #done: Promise<void> = Promise.resolve();
  readonly #resting: Promise<void>;
  #rest: () => void = () => undefined;

  constructor() {
    this.#resting = new Promise((resolve) => (this.#rest = resolve));
  }

  /**
   * Begins the work. Called once.
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

  /** Resolves when the work has ended or only waits; does not reject. */
  get settled(): Promise<void> {
    return Promise.race([this.#done, this.#resting]);
  }

  /** The work only waits from now on. */
  rest(): void {
    this.#rest();
  }

  abort(): void {
    this.#abort.abort();
  }
}
