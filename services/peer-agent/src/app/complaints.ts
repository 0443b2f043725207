import { EnjambreError } from '@enjambre/core/error';
import type { Bitfield } from '@enjambre/core/bitfield';
import type { PieceLayout } from '@enjambre/core/layout';
import { contentChanged } from './content.js';
import type { PieceStore } from './ports.js';

export interface ComplaintsParts {
  readonly layout: PieceLayout;
  readonly have: Bitfield;
  readonly store: PieceStore;
  readonly damaged: (error: EnjambreError) => void;
}

/** Downloaders are strangers: so many pieces wait to be looked at, and one is hashed at a time, no more than one a second. */
const MAX_WAITING = 64;
const CHECK_MS = 1000;

/** Downloaders said that pieces were bad: looks whether they are, and has the file withdrawn if so. */
export class Complaints {
  readonly #waiting = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(private readonly parts: ComplaintsParts) {}

  add(piece: number): void {
    const isPiece = piece < this.parts.layout.pieceCount && this.parts.have.has(piece);
    if (this.#isOver || !isPiece || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.add(piece);
    if (this.#timer === undefined) this.#checkSoon(0);
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #checkSoon(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#check().catch((error: unknown) => {
        this.parts.damaged(EnjambreError.from(error));
      });
    }, ms);
  }

  async #check(): Promise<void> {
    const [piece] = this.#waiting;
    if (piece === undefined) {
      this.#timer = undefined;
      return;
    }
    this.#waiting.delete(piece);
    const { layout, store, damaged } = this.parts;
    const root = await store.hashPiece(piece);
    if (this.#isOver) return;
    if (root?.equals(layout.pieceRoot(piece)) !== true) damaged(contentChanged(store.path));
    else this.#checkSoon(CHECK_MS);
  }
}
