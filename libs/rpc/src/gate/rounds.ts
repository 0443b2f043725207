/** Calls `work` in the next round of the event loop, after pending I/O. */
type NextRound = (work: () => void) => void;

/**
 * Begins one call of a party in each round of the event loop: a burst of calls that each take a few milliseconds leaves
 * room for others in between, and those that are reset meanwhile never begin.
 */
export class Rounds {
  /** The calls of each party that began one in this round. */
  readonly #queues = new Map<string, (() => void)[]>();

  constructor(private readonly nextRound: NextRound) {}

  /** Calls `begin` now, or in a later round. */
  begin(party: string, begin: () => void): void {
    const queue = this.#queues.get(party);
    if (queue) return void queue.push(begin);
    if (this.#queues.size === 0)
      this.nextRound(() => {
        this.#round();
      });
    this.#queues.set(party, []);
    begin();
  }

  #round(): void {
    const begun: (() => void)[] = [];
    for (const [party, queue] of this.#queues) {
      const first = queue.shift();
      if (first) begun.push(first);
      else this.#queues.delete(party);
    }
    if (this.#queues.size > 0)
      this.nextRound(() => {
        this.#round();
      });
    for (const begin of begun) begin();
  }
}
