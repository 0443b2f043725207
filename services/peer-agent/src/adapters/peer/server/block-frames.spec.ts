import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { BlockFrames } from './block-frames.js';

const place = (length: number) => ({ piece: 3, begin: 0, length, left: 0 });

describe('BlockFrames', () => {
  it('reuse memory once it was given back, and not before', () => {
    const frames = new BlockFrames();
    const first = frames.take(1, place(BLOCK_SIZE));
    expect(frames.take(2, place(BLOCK_SIZE)).bytes.buffer).not.toBe(first.bytes.buffer);
    frames.giveBack(first);
    expect(frames.take(3, place(1024)).bytes.buffer).toBe(first.bytes.buffer);
  });

  it('allocate no more for the block of a small file than its bytes and a header', () => {
    const frames = new BlockFrames();
    const short = frames.take(1, place(1024));
    expect(short.data).toHaveLength(1024);
    expect(short.bytes.buffer.byteLength).toBeLessThan(1024 + 100);
    frames.giveBack(short);
    expect(frames.take(2, place(BLOCK_SIZE)).data).toHaveLength(BLOCK_SIZE);
  });
});
