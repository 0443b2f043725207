export interface WindowOptions {
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** Deliveries in flight to a receiver: sent, and not yet acknowledged. */
export class DeliveryWindow {
  readonly #underWay = new Map<number, number>();
  #bytes = 0;

  constructor(private readonly options: WindowOptions) {}

  get size(): number {
    return this.#underWay.size;
  }

  /** False if an acknowledgement is needed before the next delivery. One message always fits. */
  get hasRoom(): boolean {
    const { windowMessages, windowBytes } = this.options;
    return this.#underWay.size < windowMessages && this.#bytes < windowBytes;
  }

  /** Call it for each delivery that is sent, in id order. */
  add(id: number, bytes: number): void {
    this.#underWay.set(id, bytes);
    this.#bytes += bytes;
  }

  /** False if that delivery is not in flight. */
  acknowledge(id: number): boolean {
    const bytes = this.#underWay.get(id);
    if (bytes === undefined) return false;
    this.#underWay.delete(id);
    this.#bytes -= bytes;
    return true;
  }
}
