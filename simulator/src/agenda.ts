const FIRST_CAPACITY = 1024;

/**
 * Pending actions on virtual time: a binary heap by time, then by order of entry, so
 * that a run repeats exactly. The heap is stored in typed arrays: an entry allocates only its action.
 */
export class Agenda {
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  readonly #actions: (() => void)[] = [];
  #entered = 0;
  #nowMs = 0;

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Number of entries so far, including those that have run. */
  get entered(): number {
    return this.#entered;
  }

  /** Runs `action` in `delayMs` (0 or more) from now. */
  in(delayMs: number, action: () => void): void {
    this.at(this.#nowMs + delayMs, action);
  }

  /** Runs `action` at a time; a past time means now. */
  at(timeMs: number, action: () => void): void {
    const time = Math.max(timeMs, this.#nowMs);
    const order = this.#entered++;
    let slot = this.#actions.length;
    if (slot === this.#times.length) this.#grow();
    this.#actions.push(action);
    while (slot > 0) {
      const parent = (slot - 1) >>> 1;
      // Of equal times, the new entry comes later.
      if (this.#time(parent) <= time) break;
      this.#move(parent, slot);
      slot = parent;
    }
    this.#put(slot, time, order, action);
  }

  /** Runs the next entry. False if there is none. */
  step(): boolean {
    const action = this.#actions[0];
    if (!action) return false;
    this.#nowMs = this.#time(0);
    this.#removeFirst();
    action();
    return true;
  }

  #removeFirst(): void {
    const last = this.#actions.length - 1;
    const time = this.#time(last);
    const order = this.#orders[last] ?? 0;
    const action = this.#actions.pop();
    if (last === 0 || !action) return;
    let slot = 0;
    for (let child = 1; child < last; child = 2 * slot + 1) {
      if (child + 1 < last && this.#isBefore(child + 1, this.#time(child), this.#orders[child] ?? 0))
        child += 1;
      if (!this.#isBefore(child, time, order)) break;
      this.#move(child, slot);
      slot = child;
    }
    this.#put(slot, time, order, action);
  }

  #isBefore(slot: number, time: number, order: number): boolean {
    const own = this.#time(slot);
    return own < time || (own === time && (this.#orders[slot] ?? 0) < order);
  }

  #time(slot: number): number {
    return this.#times[slot] ?? Infinity;
  }

  #move(from: number, to: number): void {
    const action = this.#actions[from];
    if (action) this.#put(to, this.#time(from), this.#orders[from] ?? 0, action);
  }

  #put(slot: number, time: number, order: number, action: () => void): void {
    this.#times[slot] = time;
    this.#orders[slot] = order;
    this.#actions[slot] = action;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    const orders = new Float64Array(times.length);
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}
