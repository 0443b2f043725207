import { BLOCK_SIZE } from '@enjambre/core/layout';
import { blockHeader } from '@enjambre/rpc/codec/block-header';
import { GRPC_PREFIX_BYTES, putGrpcPrefix } from '@enjambre/rpc/codec/grpc-prefix';
import type { BlockPlace } from '../../../domain/block.js';

/** Upper bound for the bytes before a block's data; see {@link blockHeader}. */
const MAX_HEADER = 64;
const LONGEST_FRAME = GRPC_PREFIX_BYTES + MAX_HEADER + BLOCK_SIZE;
/** Buffers kept for the next blocks; those needed temporarily beyond that are freed. */
const KEPT_FRAMES = 64;

/** A gRPC message with a block, in wire format. */
export interface BlockFrame {
  /** The whole frame. */
  readonly bytes: Buffer;
  /** The part of the frame for the block's data. */
  readonly data: Buffer;
}

/** Reusable memory for blocks being sent: allocating fresh pages costs more than the work done with them. */
export class BlockFrames {
  readonly #free: Buffer[] = [];

  take(id: number, place: BlockPlace & { readonly left: number }): BlockFrame {
    const header = blockHeader({ id, ...place }, place.length);
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(memoryFor(place.length));
    putGrpcPrefix(memory, header.length + place.length);
    header.copy(memory, GRPC_PREFIX_BYTES);
    const at = GRPC_PREFIX_BYTES + header.length;
    return { bytes: memory.subarray(0, at + place.length), data: memory.subarray(at, at + place.length) };
  }

  /** Returns a frame that is no longer in use. Short ones are left to the garbage collector. */
  giveBack({ bytes }: BlockFrame): void {
    if (bytes.buffer.byteLength === LONGEST_FRAME && this.#free.length < KEPT_FRAMES)
      this.#free.push(Buffer.from(bytes.buffer));
  }
}

/** Blocks much shorter than usual, as of small files, get a buffer of just their size. */
function memoryFor(blockBytes: number): number {
  return blockBytes < BLOCK_SIZE / 2 ? LONGEST_FRAME - BLOCK_SIZE + blockBytes : LONGEST_FRAME;
}
