import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BlockParts } from './block-parts.js';

const LEAF = 16 << 10;
const data = (length: number, fill = 0): Buffer => Buffer.alloc(length, fill);
const part = (id: number, begin: number, length: number, left: number) => ({
  id,
  piece: 3,
  begin,
  data: data(length, begin / LEAF),
  left,
});

describe('BlockParts', () => {
  it('returns a whole block as it arrived', () => {
    const block = part(1, 0, 100, 0);
    expect(new BlockParts().take(block)?.data).toBe(block.data);
  });

  it('reassembles a block from its parts, while whole ones pass', () => {
    const parts = new BlockParts();
    expect(parts.take(part(1, LEAF, LEAF, LEAF + 5))).toBeUndefined();
    expect(parts.take(part(2, 0, LEAF, 0))?.id).toBe(2);
    expect(parts.take(part(1, 2 * LEAF, LEAF, 5))).toBeUndefined();
    const block = parts.take(part(1, 3 * LEAF, 5, 0));
    expect(block).toMatchObject({ id: 1, piece: 3, begin: LEAF, left: 0 });
    expect(Buffer.concat([data(LEAF, 1), data(LEAF, 2), data(5, 3)]).equals(block!.data)).toBe(true);
  });

  it('drops the parts of a block that is rejected', () => {
    const parts = new BlockParts();
    parts.take(part(1, 0, LEAF, LEAF));
    parts.drop(2);
    expect(() => parts.take(part(2, 0, LEAF, LEAF))).toThrow(/does not fit/);
    parts.drop(1);
    expect(parts.take(part(2, 0, LEAF, LEAF))).toBeUndefined();
  });

  it.each([
    ['of another block in between', part(2, 0, LEAF, LEAF)],
    ['of another piece', { ...part(1, LEAF, LEAF, LEAF), piece: 4 }],
    ['that leaves a gap', part(1, 2 * LEAF, LEAF, LEAF)],
    ['that comes again', part(1, 0, LEAF, 2 * LEAF)],
    ['after which more is left than was said', part(1, LEAF, LEAF, 2 * LEAF)],
    ['that ends too early', part(1, LEAF, LEAF, 0)],
    ['of nothing', part(1, LEAF, 0, 2 * LEAF)],
    ['off the grid', part(1, LEAF, 100, 2 * LEAF - 100)],
  ])('refuses a part %s', (_, wrong) => {
    const parts = new BlockParts();
    parts.take(part(1, 0, LEAF, 2 * LEAF));
    expect(() => parts.take(wrong)).toThrow(expect.objectContaining({ reason: 'PROTOCOL_VIOLATION' }));
  });

  it('accepts no block above the maximum length, whatever length is announced', () => {
    expect(() => new BlockParts().take(part(1, 0, LEAF, 256 << 10))).toThrow(/does not fit/);
    expect(() => new BlockParts().take(part(1, 0, LEAF, 0xffff_ffff))).toThrow(/does not fit/);
  });

  it('holds at most one block, and returns only received bytes, whatever a hostile peer sends', () => {
    const any = fc.record({
      id: fc.nat(2),
      piece: fc.nat(1),
      begin: fc.nat(3).map((leaf) => leaf * LEAF),
      data: fc.constantFrom(0, 1, LEAF, 2 * LEAF).map((length) => data(length, 7)),
      left: fc.constantFrom(0, 5, LEAF, 2 * LEAF),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (sent) => {
        const parts = new BlockParts();
        let came = 0;
        for (const block of sent) {
          came += block.data.length;
          try {
            const whole = parts.take(block);
            if (!whole) continue;
            expect(whole.data.length).toBeLessThanOrEqual(came);
            expect(whole.data.every((byte) => byte === 7)).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ reason: 'PROTOCOL_VIOLATION' });
            return;
          }
        }
      }),
    );
  });
});
