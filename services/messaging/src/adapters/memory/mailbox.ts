import type { Delivery } from '../../domain/message.js';
import type { MemoryInbox } from './memory-inbox.js';

/** What waits for one receiver, and its open inbox. */
export class Mailbox {
  inbox: MemoryInbox | undefined;
  readonly #pending = new Map<number, Delivery>();
  #bytes = 0;

  get messages(): number {
    return this.#pending.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True if nothing waits and nobody listens. */
  get isIdle(): boolean {
    return this.messages === 0 && !this.inbox;
  }

  /** In the order of their ids. */
  get deliveries(): Delivery[] {
    return [...this.#pending.values()];
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Ids increase. */
  add(delivery: Delivery): void {
    this.#pending.set(delivery.id, delivery);
    this.#bytes += delivery.bytes;
    this.inbox?.push(delivery);
  }

  delete(id: number): void {
    const delivery = this.#pending.get(id);
    if (!delivery) return;
    this.#pending.delete(id);
    this.#bytes -= delivery.bytes;
  }

  acknowledgeUpTo(id: number): void {
    for (const pending of this.#pending.keys()) {
      if (pending > id) return;
      this.delete(pending);
    }
  }
}
