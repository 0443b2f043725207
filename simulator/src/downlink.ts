import type { Agenda } from './agenda.js';
import type { Link, Way } from './link.js';

/** Bytes that the network queues for a receiver, beyond those in flight: a switch's buffer. */
const BUFFER_BYTES = 256 << 10;
/** Times are sums of fractions: times within this tolerance count as equal. */
const EPSILON_MS = 1e-6;

interface Waiting {
  readonly link: Link;
  readonly latencyMs: number;
}

/**
 * The downlink of a host: blocks pass one after the other. Bytes are passed on as they arrive (a block that meets no
 * other is complete with its last byte). When the queue would exceed a small buffer, senders have
 * to wait, as with TCP, and serve others in the meantime.
 */
export class Downlink implements Way {
  readonly #bufferMs: number;
  /** Time at which all accepted blocks have passed. */
  #freeMs = 0;
  #waiting: Waiting[] = [];
  #waking = false;

  constructor(
    private readonly agenda: Agenda,
    private readonly bytesPerMs: number,
  ) {
    this.#bufferMs = BUFFER_BYTES / bytesPerMs;
  }

  /**
   * True if a link's sender, `latencyMs` away, may start a block now: there is room in the queue, and no other sender
   * waits for it, or this one has waited itself. Otherwise, with equal links, the same senders would always come first.
   */
  hasRoom({ hasWaited }: Link, latencyMs: number): boolean {
    if (this.#waiting.length > 0 && !hasWaited) return false;
    return this.#isRoom(latencyMs);
  }

  /** Accepts a block whose first byte arrives at `firstMs`. Returns when it has passed if its bytes keep coming. */
  take(bytes: number, firstMs: number): number {
    this.#freeMs = Math.max(this.#freeMs, firstMs) + bytes / this.bytesPerMs;
    return this.#freeMs;
  }

  /** Queues the link; its uplink is notified when there is room. */
  wait(link: Link, latencyMs: number): void {
    link.hasWaited = false;
    this.#waiting.push({ link, latencyMs });
    this.#wakeLater();
  }

  #isRoom(latencyMs: number): boolean {
    return this.#roomAtMs(latencyMs) <= this.agenda.nowMs + EPSILON_MS;
  }

  #roomAtMs(latencyMs: number): number {
    return this.#freeMs - latencyMs - this.#bufferMs;
  }

  #wakeLater(): void {
    const first = this.#waiting[0];
    if (this.#waking || !first) return;
    this.#waking = true;
    this.agenda.at(this.#roomAtMs(first.latencyMs), () => {
      this.#waking = false;
      this.#wake();
    });
  }

  /** Serves waiting senders in order of arrival while there is room. One that is busy elsewhere returns later. */
  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let woken = 0;
    for (const { link, latencyMs } of waiting) {
      if (!this.#isRoom(latencyMs)) break;
      woken += 1;
      link.hasWaited = true;
      link.uploader.uplink.line(link);
    }
    this.#waiting = [...waiting.slice(woken), ...this.#waiting];
    this.#wakeLater();
  }
}
