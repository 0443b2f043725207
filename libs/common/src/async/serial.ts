/** Runs pieces of asynchronous work one at a time, in order; a failure does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all earlier work has ended, and returns its result. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /**
   * Like {@link run}, but if `signal` aborts before `work` has started, it throws the signal's reason at once
   * and drops `work`. Work that has started is not interrupted.
   */
  runUnless<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let waiting: (() => Promise<T>) | undefined = work;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiting = undefined;
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener('abort', giveUp, { once: true });
      const turn = this.run(async () => {
        signal.removeEventListener('abort', giveUp);
        if (waiting) resolve(await waiting());
      });
      turn.catch(reject);
    });
  }

  /** Resolves when all work so far has ended, successfully or not. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
