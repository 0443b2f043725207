import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockHeader } from './block-header.js';
import { MessageReadError } from './grpc-prefix.js';
import { FetchReader } from './fetch-reader.js';
import { Block, FetchResponse, RejectReason } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

const MAX_BYTES = 10_000;

function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function read(chunks: readonly Buffer[], taken: Buffer[] = []): FetchResponse[] {
  const heard: FetchResponse[] = [];
  const memoryFor = (bytes: number): Buffer => {
    const memory = Buffer.alloc(bytes, 0xee);
    taken.push(memory);
    return memory;
  };
  const reader = new FetchReader({ maxBytes: MAX_BYTES, memoryFor, message: (one) => heard.push(one) });
  for (const chunk of chunks) reader.push(chunk);
  return heard;
}

const uint32 = fc.nat(0xffff_ffff);
const response: fc.Arbitrary<FetchResponse> = fc.oneof(
  fc
    .record({ id: uint32, piece: uint32, begin: uint32, data: fc.uint8Array({ maxLength: 300 }) })
    .map((value) => FetchResponse.fromPartial({ message: { $case: 'block', value } })),
  fc
    .record({ id: uint32, reason: fc.constantFrom(RejectReason.CANCELLED, RejectReason.READ_FAILED) })
    .map((value) => FetchResponse.fromPartial({ message: { $case: 'reject', value } })),
  fc.constant(FetchResponse.fromPartial({})),
);
const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 30 });

/** A field of a later version, of any wire type but a group's. */
const unknownField: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.integer({ min: 16, max: 2 ** 28 }),
    fc.constantFrom(0, 1, 2, 5),
    fc.uint8Array({ maxLength: 100 }),
  )
  .map(([number, type, bytes]) => {
    const tag = varint(number * 8 + type);
    if (type === 0) return Buffer.concat([tag, varint(bytes.length)]);
    if (type === 2) return Buffer.concat([tag, varint(bytes.length), bytes]);
    return Buffer.concat([tag, Buffer.alloc(type === 1 ? 8 : 4, 0x5a)]);
  });

/** Base 128, low bits first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Splits bytes into chunks of these lengths, repeatedly. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

describe('FetchReader', () => {
  it('reads the output of the generated encoder, in any chunks', () => {
    fc.assert(
      fc.property(fc.array(response, { maxLength: 8 }), cuts, (responses, lengths) => {
        const bytes = Buffer.concat(responses.map((one) => framed(FetchResponse.encode(one).finish())));
        expect(read(cut(bytes, lengths)).map((one) => FetchResponse.toJSON(one))).toEqual(
          responses.map((one) => FetchResponse.toJSON(one)),
        );
      }),
    );
  });

  it('fills the given memory with the bytes of a block, exactly', () => {
    const data = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
    const message = Buffer.concat([blockHeader({ id: 7, piece: 300, begin: 16_384 }, data.length), data]);
    const taken: Buffer[] = [];
    const [heard] = read(cut(framed(message), [70, 3]), taken);
    expect(heard?.message?.$case === 'block' && heard.message.value).toMatchObject({
      id: 7,
      piece: 300,
      begin: 16_384,
    });
    expect(taken).toHaveLength(1);
    expect(taken[0]?.equals(data)).toBe(true);
    expect(heard?.message?.$case === 'block' && heard.message.value.data).toBe(taken[0]);
  });

  it('passes a block with another field order to the generated decoder', () => {
    const data = Buffer.alloc(100, 5);
    const inner = Buffer.concat([Buffer.from([0x22, 100]), data, Buffer.from([0x08, 1, 0x10, 2, 0x18, 3])]);
    const message = Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
    const [heard] = read([framed(message)]);
    expect(FetchResponse.toJSON(heard!)).toEqual(FetchResponse.toJSON(FetchResponse.decode(message)));
    expect(heard?.message?.$case === 'block' && heard.message.value).toMatchObject({
      id: 1,
      piece: 2,
      begin: 3,
    });
  });

  it('skips unknown fields, in a message and in a block, at any position', () => {
    const place = fc.record({ id: uint32, piece: uint32, begin: uint32, left: uint32 });
    const where = fc.constantFrom('before', 'in front of the bytes', 'behind the bytes', 'after');
    fc.assert(
      fc.property(place, fc.uint8Array({ maxLength: 300 }), unknownField, where, cuts, (...given) => {
        const [block, data, field, at, lengths] = given;
        const inner = Buffer.concat([
          Block.encode({ ...block, data: Buffer.alloc(0) }).finish(),
          ...(at === 'in front of the bytes' ? [field] : []),
          ...[Buffer.from([0x22]), varint(data.length), data],
          ...(at === 'behind the bytes' ? [field] : []),
        ]);
        const message = Buffer.concat([
          ...(at === 'before' ? [field] : []),
          ...[Buffer.from([0x0a]), varint(inner.length), inner],
          ...(at === 'after' ? [field] : []),
        ]);
        const [heard] = read(cut(framed(message), lengths));
        expect(heard?.message?.$case === 'block' && { ...heard.message.value, data: undefined }).toEqual({
          ...block,
          data: undefined,
        });
        expect(heard?.message?.$case === 'block' && data).toEqual(
          Uint8Array.from(heard?.message?.$case === 'block' ? heard.message.value.data : []),
        );
      }),
    );
  });

  it('reports a message of an unknown kind without content', () => {
    fc.assert(
      fc.property(unknownField, (field) => {
        expect(read([framed(field)])).toEqual([{ message: undefined }]);
      }),
    );
  });

  it('refuses long or compressed messages before it allocates memory', () => {
    const taken: Buffer[] = [];
    const long = Buffer.from([0, 0, 0, 0x27, 0x11]);
    expect(() => read([long], taken)).toThrow(MessageReadError);
    expect(() => read([Buffer.from([1, 0, 0, 0, 1])], taken)).toThrow(MessageReadError);
    expect(taken).toEqual([]);
  });

  it('never reads beyond a message, whatever its content', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (noise, lengths) => {
        const good = FetchResponse.fromPartial({ message: { $case: 'reject', value: { id: 9 } } });
        const bytes = Buffer.concat([framed(noise), framed(FetchResponse.encode(good).finish())]);
        let heard: FetchResponse[];
        try {
          heard = read(cut(bytes, lengths));
        } catch {
          return; // The decoder has refused the noise.
        }
        expect(heard).toHaveLength(2);
        expect(FetchResponse.toJSON(heard[1]!)).toEqual(FetchResponse.toJSON(good));
      }),
    );
  });
});
