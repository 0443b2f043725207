import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageReadError, putGrpcPrefix } from './grpc-prefix.js';
import { MessageReader } from './message-reader.js';

const MAX_BYTES = 300;

function framed(message: Uint8Array): Buffer {
  const memory = Buffer.alloc(5 + message.length);
  putGrpcPrefix(memory, message.length);
  memory.set(message, 5);
  return memory;
}

/** Splits bytes into chunks of the given lengths, repeatedly. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (lengths[i % lengths.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

describe('MessageReader', () => {
  it('returns every message unchanged, for any chunks, in its own memory', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: MAX_BYTES }), { maxLength: 8 });
    const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(messages, cuts, (sent, lengths) => {
        const heard: Buffer[] = [];
        const reader = new MessageReader({ maxBytes: MAX_BYTES, message: (bytes) => heard.push(bytes) });
        for (const chunk of cut(Buffer.concat(sent.map(framed)), lengths)) {
          const passing = Buffer.from(chunk);
          reader.push(passing);
          passing.fill(0xee);
        }
        expect(heard.map((bytes) => [...bytes])).toEqual(sent.map((bytes) => [...bytes]));
      }),
    );
  });

  it.each([
    ['longer than allowed', framed(Buffer.alloc(MAX_BYTES + 1)), 'a message of 301 bytes'],
    ['compressed', Buffer.from([1, 0, 0, 0, 1, 0]), 'a compressed message'],
  ])('refuses a message that is %s', (_, bytes, fault) => {
    const reader = new MessageReader({ maxBytes: MAX_BYTES, message: () => undefined });
    expect(() => reader.push(bytes)).toThrow(new MessageReadError(fault));
  });
});
