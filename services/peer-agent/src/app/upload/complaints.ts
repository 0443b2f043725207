import type { EnjambreError } from '@enjambre/core/error';
import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { PieceLayout } from '@enjambre/core/layout';
import { GivenPieces } from '../../domain/upload/given-pieces.js';
import type { ComplaintTurns } from './complaint-turns.js';
import { contentChanged } from '../content.js';
import type { PieceStore } from '../ports/piece-store.js';

export interface ComplaintsParts {
  readonly layout: PieceLayout;
  readonly have: Bitfield;
  readonly store: Pick<PieceStore, 'path' | 'hashPiece'>;
  readonly damaged: (error: EnjambreError) => void;
  readonly turns: ComplaintTurns;
}

/** Maximum number of pieces that wait for a check. */
const MAX_WAITING = 64;
/** Maximum number of attempts to read a piece: the disk may be busy, or too many files open. */
const MAX_ATTEMPTS = 3;

/** Checks pieces that downloaders report as bad, and withdraws the file if one is. */
export class Complaints {
  readonly #given: GivenPieces;
  /** Pieces to check, with the number of failed reads. */
  readonly #waiting = new Map<number, number>();
  #isOver = false;

  constructor(private readonly parts: ComplaintsParts) {
    this.#given = new GivenPieces(parts.layout.pieceCount);
  }

  /** The piece, or a part of it, is sent to that peer. */
  gave(peer: PeerId, piece: number): void {
    this.#given.give(peer, piece);
  }

  /** Counts only if the piece was sent to that peer. */
  add(peer: PeerId, piece: number): void {
    if (this.#isOver || !this.#given.take(peer, piece) || !this.parts.have.has(piece)) return;
    if (this.#waiting.has(piece) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(piece, 0);
    this.parts.turns.ask(this);
  }

  stop(): void {
    this.#isOver = true;
    this.parts.turns.leave(this);
  }

  /** Checks the next piece. */
  async check(): Promise<void> {
    const [next] = this.#waiting;
    if (!next) return;
    const [piece, failures] = next;
    this.#waiting.delete(piece);
    const isRight = await this.#isRight(piece);
    if (this.#isOver) return;
    if (isRight === false) {
      this.stop();
      this.parts.damaged(contentChanged(this.parts.store.path));
      return;
    }
    if (isRight === undefined && failures + 1 < MAX_ATTEMPTS) this.#waiting.set(piece, failures + 1);
    if (this.#waiting.size > 0) this.parts.turns.ask(this);
  }

  /** Undefined if the piece cannot be read: it may still be correct. */
  async #isRight(piece: number): Promise<boolean | undefined> {
    const { layout, store } = this.parts;
    try {
      return (await store.hashPiece(piece))?.equals(layout.pieceRoot(piece)) ?? false;
    } catch {
      return undefined;
    }
  }
}
