import { EnjambreError } from '@enjambre/core/error';
import type { PieceLayout } from '@enjambre/core/layout';
import type { Logger } from '@enjambre/common/log/logger';
import type { BlockRef } from '../../domain/block.js';
import { DEFAULT_TOTAL_BYTES } from '../../domain/download/outstanding-budget.js';
import { BLOCK_LOST, type PieceStore } from '../ports/piece-store.js';

export interface BlockWritesComponents {
  readonly store: Pick<PieceStore, 'write'>;
  readonly layout: PieceLayout;
  readonly log: Logger;
  /** A block was written; `digest` is the root of its leaves, undefined if it was lost and must be requested again. */
  readonly stored: (ref: BlockRef, digest: Buffer | undefined) => void;
  /** The disk failed. */
  readonly failed: (error: EnjambreError) => void;
}

/** Twice the maximum number of bytes on their way to disk. */
const MAX_LOST_BYTES = 2 * DEFAULT_TOTAL_BYTES;

/** Blocks of a download on their way to disk. */
export class BlockWrites {
  #underWay = 0;
  /** Bytes of blocks lost since the last successful write. */
  #lostBytes = 0;
  #idle: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly parts: BlockWritesComponents) {}

  /** Takes ownership of `data`. */
  write(ref: BlockRef, data: Buffer): void {
    this.#underWay += 1;
    this.parts.store.write(ref.piece, ref.block, data).then(
      (digest) => {
        this.#done();
        this.#lostBytes = 0;
        if (!this.#stopped) this.parts.stored(ref, digest);
      },
      (error: unknown) => {
        this.#done();
        if (!this.#stopped) this.#lost(ref, EnjambreError.from(error));
      },
    );
  }

  /** Stops the callbacks; resolves when no write is in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** A lost block is requested again, unless too many are lost in a row. */
  #lost(ref: BlockRef, error: EnjambreError): void {
    const { layout, log, failed, stored } = this.parts;
    this.#lostBytes += layout.blockSize(ref.piece, ref.block);
    const mayTryAgain = error.reason === BLOCK_LOST && this.#lostBytes <= MAX_LOST_BYTES;
    if (!mayTryAgain) return failed(error);
    log.warn({ err: error, piece: ref.piece }, 'a block was lost on its way to disk: it is requested again');
    stored(ref, undefined);
  }

  #done(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#idle?.();
  }
}
