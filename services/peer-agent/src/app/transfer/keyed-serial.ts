/** Runs pieces of asynchronous work that name the same thing one after the other, and all others beside each other. */
export class KeyedSerial<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  /** Returns what `work` returns, once all before it that name one of `keys` have ended, well or not. */
  run<T>(keys: readonly K[], work: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key) ?? Promise.resolve());
    const done = Promise.all(before).then(work);
    const last = done
      .catch(() => undefined)
      .then(() => {
        for (const key of keys) if (this.#last.get(key) === last) this.#last.delete(key);
      });
    for (const key of keys) this.#last.set(key, last);
    return done;
  }
}
