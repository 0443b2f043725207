import { BLOCK_SIZE } from '@enjambre/core/layout';

/** Memory kept for the next blocks, beyond those on their way to the disk. */
const KEPT_BLOCKS = 128;

/**
 * Memory for blocks on their way from the network to the disk. It is handed to the threads that write and comes back
 * from them: nothing is copied or allocated for each block. What does not come back is collected as usual.
 */
export class BlockMemory {
  readonly #free: ArrayBuffer[] = [];
  readonly #taken = new WeakSet<ArrayBufferLike>();

  /** For a block; what is much shorter, as small files are, or longer gets memory of just its size. */
  take(bytes: number): Buffer {
    if (bytes > BLOCK_SIZE || bytes < BLOCK_SIZE / 2) return Buffer.allocUnsafeSlow(bytes);
    const memory = this.#free.pop() ?? new ArrayBuffer(BLOCK_SIZE);
    this.#taken.add(memory);
    return Buffer.from(memory, 0, bytes);
  }

  /** True if nothing else is in the memory of these bytes. */
  owns({ buffer }: Buffer): boolean {
    return this.#taken.has(buffer);
  }

  /** Of any size; what is not that of a block is left to the collector. */
  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength === BLOCK_SIZE && this.#free.length < KEPT_BLOCKS) this.#free.push(memory);
  }
}
