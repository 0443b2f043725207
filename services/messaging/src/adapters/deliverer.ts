import type { ReceiveResponse } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Inbox } from '../app/ports.js';
import { DeliveryWindow, type WindowOptions } from '../domain/delivery-window.js';
import type { Message } from '../domain/message.js';
import { fromDelivery } from './convert.js';

/**
 * The part of a call that a deliverer needs. Its backpressure is ignored: it applies after 16 messages,
 * however small, and the delivery window already bounds the memory held for a receiver that does not read.
 */
interface Reader {
  write(message: ReceiveResponse): unknown;
}

export interface DelivererOptions {
  readonly reader: Reader;
  readonly inbox: Inbox;
  readonly window: WindowOptions;
  /** A receiver whose window is full and that acknowledges nothing for this long is slow; in milliseconds. */
  readonly maxBlockedMs: number;
  readonly onSlowReader: () => void;
  readonly onDelivered: (message: Message) => void;
}

/** Sends deliveries from an inbox to one receiver, within its delivery window. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #window: DeliveryWindow;
  readonly #messages = new Map<number, Message>();
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#window = new DeliveryWindow(options.window);
  }

  /** Resolves when the inbox is closed. */
  async run(): Promise<void> {
    const { inbox, reader } = this.#options;
    for (;;) {
      await this.#room();
      const delivery = this.#stopped ? undefined : await inbox.next();
      if (!delivery || this.#stopped) return;
      this.#window.add(delivery.id, delivery.bytes);
      this.#messages.set(delivery.id, delivery.message);
      reader.write({ message: { $case: 'delivery', value: fromDelivery(delivery) } });
    }
  }

  /** False for a delivery that is not in flight: it is ignored. */
  acknowledge(id: number): boolean {
    if (this.#stopped || !this.#window.acknowledge(id)) return false;
    this.#options.inbox.acknowledge(id);
    const message = this.#messages.get(id);
    this.#messages.delete(id);
    if (message) this.#options.onDelivered(message);
    this.#wake?.();
    return true;
  }

  stop(): void {
    this.#stopped = true;
    this.#options.inbox.close();
    this.#wake?.();
  }

  /** Waits until the window has room. Each acknowledgement restarts the receiver's timeout. */
  async #room(): Promise<void> {
    while (!this.#stopped && !this.#window.hasRoom) {
      const timer = setTimeout(this.#options.onSlowReader, this.#options.maxBlockedMs);
      await new Promise<void>((resolve) => (this.#wake = resolve));
      clearTimeout(timer);
    }
  }
}
