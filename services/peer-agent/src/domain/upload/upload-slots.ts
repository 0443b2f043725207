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
 * ones are choked and wait in order of arrival. Parties, such as all peers of one network, share the slots fairly: one
 * with two slots more than another gives one up to it. A downloader without progress gives its slot to one that waits.
 */
export class UploadSlots<Downloader> {
  /** Longest without progress first. */
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
   * @param party the party of the downloader
   * @returns whether it is served, and the downloader that loses its slot to it
   */
  enter(
    downloader: Downloader,
    party: unknown,
    nowMs: number,
  ): { readonly isServed: boolean; readonly choked: Downloader | undefined } {
    const isFull = this.#served.size >= this.slots;
    const choked = isFull ? this.#fromLargestParty(party) : undefined;
    const isServed = !isFull || choked !== undefined;
    if (choked !== undefined) this.#choke(choked);
    if (isServed) this.#serve(downloader, party, nowMs);
    else this.#waiting.set(downloader, { party });
    return { isServed, choked };
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
    // A party that has lost its last slots gets one back from the largest party.
    for (const [downloader, { party }] of [...this.#waiting]) {
      const spare = this.#fromLargestParty(party);
      if (spare === undefined) continue;
      this.#choke(spare);
      this.#serve(downloader, party, nowMs);
      changes.push({ choked: spare, unchoked: downloader });
    }
    // Every slot has been offered: the remaining idle downloaders keep theirs for another interval.
    for (const [downloader, { progressMs }] of [...this.#served])
      if (progressMs + SLOT_IDLE_MS <= nowMs) this.progress(downloader, nowMs);
    return changes;
  }

  isServed(downloader: Downloader): boolean {
    return this.#served.has(downloader);
  }

  /** A downloader of the largest party, if that has at least two slots more than `party`. */
  #fromLargestParty(party: unknown): Downloader | undefined {
    const counts = this.#counts();
    const enough = (counts.get(party) ?? 0) + 2;
    const [largest] = [...counts].filter(([, count]) => count >= enough).sort(([, a], [, b]) => b - a);
    if (!largest) return undefined;
    for (const [downloader, place] of this.#served) if (place.party === largest[0]) return downloader;
    return undefined;
  }

  #serve(downloader: Downloader, party: unknown, nowMs: number): void {
    this.#waiting.delete(downloader);
    this.#served.set(downloader, { party, progressMs: nowMs });
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
    this.#serve(best.downloader, best.party, nowMs);
    return best.downloader;
  }

  #counts(): Map<unknown, number> {
    const counts = new Map<unknown, number>();
    for (const { party } of this.#served.values()) counts.set(party, (counts.get(party) ?? 0) + 1);
    return counts;
  }
}
