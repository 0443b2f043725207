export interface WindowOptions {
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** What is under way to a receiver: said, and not acknowledged yet. */
export class DeliveryWindow {
  readonly #underWay = new Map<number, number>();
  #bytes = 0;

  constructor(private readonly options: WindowOptions) {}

  get size(): number {
    return this.#underWay.size;
  }

  /** False if nothing more may be said until something is acknowledged. One message always fits. */
  get hasRoom(): boolean {
    const { windowMessages, windowBytes } = this.options;
    return this.#underWay.size < windowMessages && this.#bytes < windowBytes;
  }

  /** To be called for each delivery that is said, ids increasing. */
  add(id: number, bytes: number): void {
    this.#underWay.set(id, bytes);
    this.#bytes += bytes;
  }

  /** False if that delivery is not under way. */
  acknowledge(id: number): boolean {
    const bytes = this.#underWay.get(id);
    if (bytes === undefined) return false;
    this.#underWay.delete(id);
    this.#bytes -= bytes;
    return true;
  }
}
