import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { BlockMemory } from './block-memory.js';

describe('BlockMemory', () => {
  it('is reused once it was returned, and not before', () => {
    const memory = new BlockMemory();
    const first = memory.take(BLOCK_SIZE).buffer as ArrayBuffer;
    expect(memory.take(BLOCK_SIZE).buffer).not.toBe(first);
    memory.giveBack(first);
    const third = memory.take(BLOCK_SIZE - 5);
    expect(third.buffer).toBe(first);
    expect(third).toHaveLength(BLOCK_SIZE - 5);
  });

  it('recognises its own memory, even after it has been through a thread', () => {
    const memory = new BlockMemory();
    const block = memory.take(BLOCK_SIZE);
    expect(memory.owns(block)).toBe(true);
    expect(memory.owns(Buffer.alloc(BLOCK_SIZE))).toBe(false);
    const back = structuredClone(block.buffer as ArrayBuffer, { transfer: [block.buffer as ArrayBuffer] });
    memory.giveBack(back);
    expect(memory.take(BLOCK_SIZE).buffer).toBe(back);
  });

  it('keeps no memory of another size, and allocates more than a block elsewhere', () => {
    const memory = new BlockMemory();
    const foreign = new ArrayBuffer(10);
    memory.giveBack(foreign);
    expect(memory.take(BLOCK_SIZE).buffer).not.toBe(foreign);
    expect(memory.take(BLOCK_SIZE + 1)).toHaveLength(BLOCK_SIZE + 1);
    // Thousands of small files are in transit at the same time: none may hold the memory of a full block.
    expect(memory.take(1024).buffer.byteLength).toBe(1024);
  });
});
