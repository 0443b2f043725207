/** A downloader keeps its slot for this long without progress while others wait. */
export const SLOT_IDLE_MS = 10_000;

interface Place {
  readonly party: unknown;
  /** When it got its slot, or when it last made progress. */
  progressMs: number;
}

/** A slot changes hands. */
export interface SlotChange<Downloader> {
  readonly choked: Downloader | undefined;
  readonly unchoked: Downloader | undefined;
}

/**
 * Decides which downloaders are served concurrently. A cluster cooperates, so all are, up to a number of slots; further
 * ones are choked and wait in order of arrival. Nobody can keep the slots for himself: a party, such as all peers of one
 * address, that has more slots than another gives one up to it, and a downloader without progress gives its slot to one
 * that waits.
 */
export class UploadSlots<Downloader> {
  /** The one without progress for the longest time comes first. */
  readonly #served = new Map<Downloader, Place>();
  readonly #waiting = new Map<Downloader, { readonly party: unknown }>();

  constructor(private readonly slots: number) {}

  /** When {@link review} is due; Infinity while nobody waits. */
  get dueMs(): number {
    if (this.#waiting.size === 0) return Infinity;
    for (const { progressMs } of this.#served.values()) return progressMs + SLOT_IDLE_MS;
    return Infinity;
  }

  /**
   * @param party whom the downloader belongs to
   * @returns whether it is served, and who loses its slot to it
   */
  enter(
    downloader: Downloader,
    party: unknown,
    nowMs: number,
  ): { readonly isServed: boolean; readonly choked: Downloader | undefined } {
    if (this.#served.size < this.slots) {
      this.#served.set(downloader, { party, progressMs: nowMs });
      return { isServed: true, choked: undefined };
    }
    const choked = this.#fromLargestParty(party);
    if (choked === undefined) {
      this.#waiting.set(downloader, { party });
      return { isServed: false, choked };
    }
    this.#choke(choked);
    this.#served.set(downloader, { party, progressMs: nowMs });
    return { isServed: true, choked };
  }

  /** Frees the slot of a downloader and returns the downloader that gets it, if any waits. */
  leave(downloader: Downloader, nowMs: number): Downloader | undefined {
    this.#waiting.delete(downloader);
    if (!this.#served.delete(downloader)) return undefined;
    return this.#unchoke(nowMs);
  }

  /** Bytes were sent to the downloader. */
  progress(downloader: Downloader, nowMs: number): void {
    const place = this.#served.get(downloader);
    if (!place) return;
    place.progressMs = nowMs;
    // Only the order among those that could lose their slot matters, and only while others wait.
    this.#served.delete(downloader);
    this.#served.set(downloader, place);
  }

  /** Gives slots without progress to downloaders that wait, in turn. */
  review(nowMs: number): SlotChange<Downloader>[] {
    let rest = this.#waiting.size;
    if (rest === 0) return [];
    const changes: SlotChange<Downloader>[] = [];
    while (rest > 0 && this.dueMs <= nowMs) {
      rest -= 1;
      const [choked] = this.#served.keys();
      if (choked === undefined) break;
      const place = this.#served.get(choked);
      this.#served.delete(choked);
      changes.push({ choked, unchoked: this.#unchoke(nowMs) });
      this.#waiting.set(choked, { party: place?.party });
    }
    // Who had no progress waits behind the others; a party without enough slots gets them from the largest.
    for (const [downloader, { party }] of [...this.#waiting]) {
      const spare = this.#fromLargestParty(party);
      if (spare === undefined) continue;
      this.#choke(spare);
      this.#waiting.delete(downloader);
      this.#served.set(downloader, { party, progressMs: nowMs });
      changes.push({ choked: spare, unchoked: downloader });
    }
    // All that waited have a slot: the other idle ones keep theirs for as long again.
    for (const [downloader, { progressMs }] of [...this.#served])
      if (progressMs + SLOT_IDLE_MS <= nowMs) this.progress(downloader, nowMs);
    return changes;
  }

  isServed(downloader: Downloader): boolean {
    return this.#served.has(downloader);
  }

  /** The one that a party with two slots more than `party` can spare. */
  #fromLargestParty(party: unknown): Downloader | undefined {
    const counts = this.#counts();
    const enough = (counts.get(party) ?? 0) + 2;
    const [largest] = [...counts].filter(([, count]) => count >= enough).sort(([, a], [, b]) => b - a);
    if (!largest) return undefined;
    for (const [downloader, place] of this.#served) if (place.party === largest[0]) return downloader;
    return undefined;
  }

  #choke(downloader: Downloader): void {
    const place = this.#served.get(downloader);
    this.#served.delete(downloader);
    this.#waiting.set(downloader, { party: place?.party });
  }

  /** Of the parties with the fewest slots, the downloader that has waited longest. */
  #unchoke(nowMs: number): Downloader | undefined {
    const counts = this.#counts();
    let best: { downloader: Downloader; party: unknown; count: number } | undefined;
    for (const [downloader, { party }] of this.#waiting) {
      const count = counts.get(party) ?? 0;
      if (!best || count < best.count) best = { downloader, party, count };
      if (count === 0) break;
    }
    if (!best) return undefined;
    this.#waiting.delete(best.downloader);
    this.#served.set(best.downloader, { party: best.party, progressMs: nowMs });
    return best.downloader;
  }

  #counts(): Map<unknown, number> {
    const counts = new Map<unknown, number>();
    for (const { party } of this.#served.values()) counts.set(party, (counts.get(party) ?? 0) + 1);
    return counts;
  }
}
