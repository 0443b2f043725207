import type { Agenda } from './agenda.js';
import type { Link, Way } from './link.js';

/** What the network holds for a receiver beyond what is on its way: a switch's buffer. */
const BUFFER_BYTES = 256 << 10;
/** Times are sums of fractions: so much earlier is the same moment. */
const EPSILON_MS = 1e-6;

interface Waiting {
  readonly link: Link;
  readonly latencyMs: number;
}

/**
 * A host's way in: blocks pass one after the other. Bytes are passed on as they come (a block that meets no
 * other has arrived when its last byte has), and when more than a small buffer would pile up, senders have
 * to wait, as they do with TCP: they serve others meanwhile.
 */
export class Downlink implements Way {
  readonly #bufferMs: number;
  /** When all that was taken so far has passed. */
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
   * True if a link's sender, `latencyMs` away, may begin with a block now: there is room, and nobody waits for it, or it
   * has waited itself. Else, where links are all alike, the same ones would come first each time.
   */
  hasRoom({ hasWaited }: Link, latencyMs: number): boolean {
    if (this.#waiting.length > 0 && !hasWaited) return false;
    return this.#isRoom(latencyMs);
  }

  /** Takes a block whose first byte comes at `firstMs`. Returns when it has passed if its bytes come fast enough. */
  take(bytes: number, firstMs: number): number {
    this.#freeMs = Math.max(this.#freeMs, firstMs) + bytes / this.bytesPerMs;
    return this.#freeMs;
  }

  /** The link's uplink is told when there is room. */
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

  /** In order of arrival, until the room is taken. One that is busy elsewhere comes back when it is not. */
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
