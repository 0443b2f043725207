import type { Delivery } from '../../domain/message.js';
import type { MemoryInbox } from './memory-inbox.js';

/** The waiting messages of one receiver, and its open inbox. */
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

  /** True if no message is waiting and no inbox is open. */
  get isIdle(): boolean {
    return this.messages === 0 && !this.inbox;
  }

  /** In id order. */
  get deliveries(): Delivery[] {
    return [...this.#pending.values()];
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Ids must increase. */
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
