/**
 * Decides which downloaders are served concurrently. A cluster cooperates, so all are, up to a number of slots; further
 * ones are choked and get a slot in order of arrival.
 */
export class UploadSlots<Downloader> {
  readonly #served = new Set<Downloader>();
  readonly #waiting = new Set<Downloader>();

  constructor(private readonly slots: number) {}

  /** True if the downloader is served, false if it must wait. */
  enter(downloader: Downloader): boolean {
    if (this.#served.size < this.slots) {
      this.#served.add(downloader);
      return true;
    }
    this.#waiting.add(downloader);
    return false;
  }

  /** Frees the slot of a downloader and returns the downloader that gets it, if any waits. */
  leave(downloader: Downloader): Downloader | undefined {
    this.#waiting.delete(downloader);
    if (!this.#served.delete(downloader)) return undefined;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#served.add(next);
      return next;
    }
    return undefined;
  }

  isServed(downloader: Downloader): boolean {
    return this.#served.has(downloader);
  }
}
