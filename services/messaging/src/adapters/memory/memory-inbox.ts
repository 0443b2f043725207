import type { Delivery } from '../../domain/message.js';
import type { Inbox } from '../../app/ports.js';
import { Queue } from './queue.js';

interface MemoryInboxInit {
  /** Deliveries already waiting, in id order. */
  readonly waiting: Delivery[];
  /** False for a delivery that was dropped because of its age or for lack of space. */
  readonly isKept: (id: number) => boolean;
  readonly onAcknowledge: (id: number) => void;
  readonly onClose: () => void;
}

/** An inbox over messages in memory; the store pushes new ones. */
export class MemoryInbox implements Inbox {
  readonly #init: MemoryInboxInit;
  #unread: Queue<Delivery>;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(init: MemoryInboxInit) {
    this.#init = init;
    this.#unread = new Queue(init.waiting);
  }

  async next(): Promise<Delivery | undefined> {
    while (!this.#closed) {
      const delivery = this.#unread.shift();
      if (!delivery) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (this.#init.isKept(delivery.id)) return delivery;
    }
    return undefined;
  }

  push(delivery: Delivery): void {
    this.#unread.push(delivery);
    this.#wake?.();
  }

  acknowledge(id: number): void {
    if (!this.#closed) this.#init.onAcknowledge(id);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unread = new Queue();
    this.#wake?.();
    this.#init.onClose();
  }
}
