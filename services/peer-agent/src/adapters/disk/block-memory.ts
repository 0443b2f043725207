import { BLOCK_SIZE } from '@enjambre/core/layout';

/** Memory kept for the next blocks, beyond those on their way to the disk. */
const KEPT_BLOCKS = 128;

/**
 * Memory for blocks on their way from the network to the disk, shared with the threads
 * that write: nothing is copied or allocated for each of them. Whoever takes some may give
 * it back when nobody reads it any more; what is not given back is collected as usual.
 */
export class BlockMemory {
  readonly #free: SharedArrayBuffer[] = [];
  readonly #taken = new WeakSet<SharedArrayBuffer>();

  /** For at most a block; what is longer gets memory of its own. */
  take(bytes: number): Buffer {
    if (bytes > BLOCK_SIZE) return Buffer.allocUnsafeSlow(bytes);
    const memory = this.#free.pop() ?? new SharedArrayBuffer(BLOCK_SIZE);
    this.#taken.add(memory);
    return Buffer.from(memory, 0, bytes);
  }

  /** Does nothing for memory that is not from here, or was given back. */
  giveBack({ buffer }: Buffer): void {
    const memory: ArrayBufferLike = buffer;
    if (!(memory instanceof SharedArrayBuffer) || !this.#taken.delete(memory)) return;
    if (this.#free.length < KEPT_BLOCKS) this.#free.push(memory);
  }
}
