import type { Delivery } from '../../domain/message.js';
import type { MemoryInbox } from './memory-inbox.js';

/** The waiting messages of one receiver, and its open inbox. */
export class Mailbox<T extends Delivery> {
  inbox: MemoryInbox | undefined;
  readonly #pending = new Map<number, T>();

  /** True if no message is waiting and no inbox is open. */
  get isIdle(): boolean {
    return this.#pending.size === 0 && !this.inbox;
  }

  /** In id order. */
  get deliveries(): T[] {
    return [...this.#pending.values()];
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Ids must increase. */
  add(delivery: T): void {
    this.#pending.set(delivery.id, delivery);
    this.inbox?.push(delivery);
  }

  /** The delivery that was waiting under this id, if there was one. */
  take(id: number): T | undefined {
    const delivery = this.#pending.get(id);
    this.#pending.delete(id);
    return delivery;
  }

  /** Takes the deliveries up to this id. */
  takeUpTo(id: number): T[] {
    const taken: T[] = [];
    for (const delivery of this.#pending.values()) {
      if (delivery.id > id) break;
      taken.push(delivery);
    }
    for (const { id } of taken) this.#pending.delete(id);
    return taken;
  }
}
