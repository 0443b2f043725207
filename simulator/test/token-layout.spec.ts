import { describe, expect, it } from '@jest/globals';
import { TokenLayout } from '../src/token-layout.js';

const layout = new TokenLayout({ bytes: 2500, pieceLength: 1000, blockLength: 300 });

function tokens(piece: number): Buffer[] {
  return Array.from({ length: layout.blockCount(piece) }, (_, block) => layout.token({ piece, block }));
}

describe('a layout of tokens', () => {
  it('cuts content into pieces and blocks, the last ones shorter', () => {
    expect(layout.pieceCount).toBe(3);
    expect([0, 1, 2].map((piece) => layout.pieceSize(piece))).toEqual([1000, 1000, 500]);
    expect([0, 2].map((piece) => layout.blockCount(piece))).toEqual([4, 2]);
    expect([0, 1, 2, 3].map((block) => layout.blockSize(0, block))).toEqual([300, 300, 300, 100]);
    expect(layout.blockSize(2, 1)).toBe(200);
  });

  it('verifies a piece only with its own blocks in order', () => {
    const right = tokens(0);
    const verifies = (digests: Buffer[]): boolean =>
      layout.combineBlocks(0, digests).equals(layout.pieceRoot(0));
    expect(verifies(right)).toBe(true);
    expect(verifies([...right].reverse())).toBe(false);
    expect(verifies(tokens(1))).toBe(false);
    expect(verifies([...right.slice(0, 3), layout.badToken(5)])).toBe(false);
    expect(() => verifies(right.slice(1))).toThrow(RangeError);
  });

  it('has different tokens for different liars, so that each is identified', () => {
    expect(layout.badToken(1).equals(layout.badToken(2))).toBe(false);
  });
});
