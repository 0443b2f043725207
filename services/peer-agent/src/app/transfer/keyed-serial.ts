/** Runs asynchronous work with a common key one at a time, in order; all other work concurrently. */
export class KeyedSerial<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  /** Calls `work` once all earlier work with one of these keys has ended, successfully or not; returns its result. */
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
