import { MAX_HAVE_PIECES } from './wire-constants.js';

/** Delay for batching haves that are not urgent. */
const LAZY_MS = 1000;

/**
 * New pieces to announce to a peer. Each message costs either end more than a tenth of a millisecond, and every piece
 * is announced to every peer: pieces that the peer cannot use yet wait for one that it can.
 */
export class HaveNews {
  #untold: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param tell sends one message */
  constructor(private readonly tell: (pieces: number[]) => void) {}

  /** @param urgent the peer may act on them: they are sent now, with all pending ones; otherwise within a second */
  add(pieces: readonly number[], urgent: boolean): void {
    for (const piece of pieces) this.#untold.push(piece);
    if (urgent) return this.flush();
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, LAZY_MS);
  }

  /** Sends all pending pieces. */
  flush(): void {
    this.stop();
    const pieces = this.#untold;
    this.#untold = [];
    for (let at = 0; at < pieces.length; at += MAX_HAVE_PIECES) {
      this.tell(pieces.slice(at, at + MAX_HAVE_PIECES));
    }
  }

  /** Stops sending pending pieces automatically. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
