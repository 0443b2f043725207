import { MAX_HAVE_PIECES } from './limits.js';

/** News that nobody waits for goes together so often. */
const LAZY_MS = 1000;

/**
 * New pieces that a peer is to hear of. Each message costs either end more than a tenth of a millisecond, and
 * every piece is news for every peer: what a peer makes no use of yet waits for what it does.
 */
export class HaveNews {
  #untold: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param tell sends one message */
  constructor(private readonly tell: (pieces: number[]) => void) {}

  /** @param urgent the peer may act on it: it is told now, with all that waits; otherwise within a second */
  add(pieces: readonly number[], urgent: boolean): void {
    for (const piece of pieces) this.#untold.push(piece);
    if (urgent) return this.flush();
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, LAZY_MS);
  }

  /** Tells all that waits. */
  flush(): void {
    this.stop();
    const pieces = this.#untold;
    this.#untold = [];
    for (let at = 0; at < pieces.length; at += MAX_HAVE_PIECES) {
      this.tell(pieces.slice(at, at + MAX_HAVE_PIECES));
    }
  }

  /** Nothing more is told by itself. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
