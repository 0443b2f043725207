import { BLOCK_SIZE } from '@enjambre/core/layout';

/** Buffers kept for the next blocks, besides those on their way to the disk. */
const KEPT_BLOCKS = 128;

/**
 * Memory for blocks on their way from the network to the disk. It is transferred to the writing threads and returned by
 * them: no block is copied, and none needs an allocation. Memory that is not returned is garbage-collected as usual.
 */
export class BlockMemory {
  readonly #free: ArrayBuffer[] = [];
  readonly #taken = new WeakSet<ArrayBufferLike>();

  /** Memory for a block; a much shorter block, as of small files, or a longer one gets a buffer of just its size. */
  take(bytes: number): Buffer {
    if (bytes > BLOCK_SIZE || bytes < BLOCK_SIZE / 2) return Buffer.allocUnsafeSlow(bytes);
    const memory = this.#free.pop() ?? new ArrayBuffer(BLOCK_SIZE);
    this.#taken.add(memory);
    return Buffer.from(memory, 0, bytes);
  }

  /** True if the memory of these bytes holds nothing else. */
  owns({ buffer }: Buffer): boolean {
    return this.#taken.has(buffer);
  }

  /** Accepts memory of any size; only that of a full block is kept. */
  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength === BLOCK_SIZE && this.#free.length < KEPT_BLOCKS) this.#free.push(memory);
  }
}
