/** Runs one piece of asynchronous work after the other; a failed one does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Returns what `work` returns, once all before it have ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all work so far has ended, well or not. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
