import { EnjambreError } from '@enjambre/core/error';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import type { Block } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

interface Partial {
  readonly id: number;
  readonly piece: number;
  readonly begin: number;
  readonly data: Buffer;
  filled: number;
}

/** Reassembles blocks that arrive in parts: one at a time per stream (peer.proto). */
export class BlockParts {
  #open: Partial | undefined;

  /** The block, once it is complete. Throws `invalid` PROTOCOL_VIOLATION for a part that does not fit. */
  take({ id, piece, begin, data, left }: Block): Block | undefined {
    const open = this.#open;
    if (!open || open.id !== id) {
      if (left === 0) return { id, piece, begin, data, left };
      if (open || data.length + left > BLOCK_SIZE) throw violation();
    }
    if (left > 0 && (data.length === 0 || data.length % LEAF_SIZE !== 0)) throw violation();
    const whole = open ?? { id, piece, begin, data: Buffer.allocUnsafe(data.length + left), filled: 0 };
    const { filled } = whole;
    if (whole.piece !== piece || whole.begin + filled !== begin) throw violation();
    if (filled + data.length + left !== whole.data.length) throw violation();
    whole.data.set(data, filled);
    whole.filled += data.length;
    this.#open = left > 0 ? whole : undefined;
    return left > 0 ? undefined : { id, piece, begin: whole.begin, data: whole.data, left };
  }

  /** The rest of the block will not come. */
  drop(id: number): void {
    if (this.#open?.id === id) this.#open = undefined;
  }
}

function violation(): EnjambreError {
  return new EnjambreError('invalid', 'PROTOCOL_VIOLATION', 'the peer sent a block part that does not fit');
}
