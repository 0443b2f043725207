import type { PeerId } from '@enjambre/core/ids';
import type { Backlog } from '../../app/ports.js';
import { sizeOf, type Message } from '../../domain/message.js';

/** Assumed size of messages from before this process, whose size is unknown. */
const UNKNOWN_BYTES = 1024;

/**
 * Counts the messages waiting for each receiver as they come and go. NATS knows the exact number of messages,
 * and corrects it at each session; it does not know their bytes.
 */
export class Backlogs {
  readonly #counts = new Map<PeerId, { messages: number; bytes: number }>();

  of(receiver: PeerId): Backlog {
    return this.#counts.get(receiver) ?? { messages: 0, bytes: 0 };
  }

  get total(): Backlog {
    let messages = 0;
    let bytes = 0;
    for (const each of this.#counts.values()) {
      messages += each.messages;
      bytes += each.bytes;
    }
    return { messages, bytes };
  }

  add(receiver: PeerId, message: Message): void {
    const { messages, bytes } = this.of(receiver);
    this.#counts.set(receiver, { messages: messages + 1, bytes: bytes + sizeOf(message) });
  }

  remove(receiver: PeerId, size: number): void {
    const { messages, bytes } = this.of(receiver);
    if (messages <= 1) this.#counts.delete(receiver);
    else this.#counts.set(receiver, { messages: messages - 1, bytes: Math.max(0, bytes - size) });
  }

  /** Sets the exact number of messages. */
  correct(receiver: PeerId, messages: number): void {
    const before = this.of(receiver);
    if (messages === 0) this.#counts.delete(receiver);
    else if (before.messages !== messages) {
      const each = before.messages === 0 ? UNKNOWN_BYTES : before.bytes / before.messages;
      this.#counts.set(receiver, { messages, bytes: Math.round(each * messages) });
    }
  }
}
