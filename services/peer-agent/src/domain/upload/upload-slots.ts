/**
 * Who is served at the same time. A cluster cooperates, so everyone is, up to a number
 * of slots; the others are choked and get a slot in the order in which they came.
 */
export class UploadSlots<Downloader> {
  readonly #served = new Set<Downloader>();
  readonly #waiting = new Set<Downloader>();

  constructor(private readonly slots: number) {}

  /** True if the downloader is served, false if it has to wait. */
  enter(downloader: Downloader): boolean {
    if (this.#served.size < this.slots) {
      this.#served.add(downloader);
      return true;
    }
    this.#waiting.add(downloader);
    return false;
  }

  /** Frees the place of a downloader and returns who gets it, if anyone waits. */
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
