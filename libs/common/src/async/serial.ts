/** Runs one piece of asynchronous work after the other; a failed one does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Returns what `work` returns, once all before it have ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /**
   * {@link run}, unless `signal` aborts before it is the turn of `work`: then it throws the signal's reason at once, and
   * `work` is let go and not done. What was begun is left to `work`.
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

  /** Resolves when all work so far has ended, well or not. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
