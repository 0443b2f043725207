import { BLOCK_SIZE } from '@enjambre/core/layout';
import { blockHeader, GRPC_PREFIX_BYTES, putGrpcPrefix } from '@enjambre/rpc/codec/fetch-codec';
import type { BlockPlace } from '../../../domain/block.js';

/** More than what precedes the bytes of a block, see {@link blockHeader}. */
const MAX_HEADER = 64;
const LONGEST_FRAME = GRPC_PREFIX_BYTES + MAX_HEADER + BLOCK_SIZE;
/** Memory kept for the next blocks; what is needed beyond it for a while is given back. */
const KEPT_FRAMES = 64;

/** A gRPC message with a block in it, as it goes onto the wire. */
export interface BlockFrame {
  /** All of it. */
  readonly bytes: Buffer;
  /** Where the block's own bytes belong. */
  readonly data: Buffer;
}

/** Memory for blocks that are being sent. It is used again and again: fresh pages cost more than what is done with them. */
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

  /** Nobody uses the frame any more. Short ones are left to the collector. */
  giveBack({ bytes }: BlockFrame): void {
    if (bytes.buffer.byteLength === LONGEST_FRAME && this.#free.length < KEPT_FRAMES)
      this.#free.push(Buffer.from(bytes.buffer));
  }
}

/** What is much shorter than a block, as small files are, gets memory of just its size. */
function memoryFor(blockBytes: number): number {
  return blockBytes < BLOCK_SIZE / 2 ? LONGEST_FRAME - BLOCK_SIZE + blockBytes : LONGEST_FRAME;
}
