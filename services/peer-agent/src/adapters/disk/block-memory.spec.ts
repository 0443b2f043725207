import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { BlockMemory } from './block-memory.js';

describe('BlockMemory', () => {
  it('is used again once it was given back, and not before', () => {
    const memory = new BlockMemory();
    const first = memory.take(BLOCK_SIZE);
    const second = memory.take(100);
    expect(second.buffer).not.toBe(first.buffer);
    memory.giveBack(first);
    const third = memory.take(5);
    expect(third.buffer).toBe(first.buffer);
    expect(third).toHaveLength(5);
  });

  it('given back twice is not given to two', () => {
    const memory = new BlockMemory();
    const block = memory.take(10);
    memory.giveBack(block);
    memory.giveBack(block);
    expect(memory.take(10).buffer).not.toBe(memory.take(10).buffer);
  });

  it('takes nothing that is not its own, and gives more than a block from elsewhere', () => {
    const memory = new BlockMemory();
    const foreign = Buffer.from(new SharedArrayBuffer(BLOCK_SIZE));
    memory.giveBack(foreign);
    memory.giveBack(Buffer.alloc(10));
    expect(memory.take(10).buffer).not.toBe(foreign.buffer);
    expect(memory.take(BLOCK_SIZE + 1)).toHaveLength(BLOCK_SIZE + 1);
  });
});
