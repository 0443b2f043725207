import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockHeader } from './block-header.js';
import { FetchResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

const MAX = 0xffff_ffff;
const uint32 = fc.oneof(
  fc.integer({ min: 0, max: MAX }),
  fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21, 2 ** 28, 2 ** 31 - 1, 2 ** 31, MAX),
);
const length = fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 16_384, 262_143, 262_144));

/** A block as the agent sends it: the header, and the bytes behind it. */
function encode(block: Parameters<typeof blockHeader>[0], data: Buffer): Buffer {
  return Buffer.concat([blockHeader(block, data.length), data]);
}

describe('an encoded block', () => {
  it('is read by the generated decoder, for all numbers and lengths', () => {
    fc.assert(
      fc.property(uint32, uint32, uint32, length, (id, piece, begin, bytes) => {
        const data = Buffer.alloc(bytes, 'some bytes');
        const { message } = FetchResponse.decode(encode({ id, piece, begin }, data));
        expect(message?.$case).toBe('block');
        if (message?.$case !== 'block') return;
        const { data: read, ...place } = message.value;
        expect(place).toEqual({ id, piece, begin, left: 0 });
        expect(data.equals(read)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is equivalent to the output of the generated encoder', () => {
    fc.assert(
      fc.property(
        fc.record({ id: uint32, piece: uint32, begin: uint32, left: uint32 }),
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        (block, data) => {
          const generated = FetchResponse.encode({
            message: { $case: 'block', value: { ...block, data } },
          }).finish();
          const message = (bytes: Uint8Array) => FetchResponse.toJSON(FetchResponse.decode(bytes));
          expect(message(encode(block, Buffer.from(data)))).toEqual(message(generated));
        },
      ),
    );
  });
});
