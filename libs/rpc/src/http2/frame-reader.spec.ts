import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameReader } from './frame-reader.js';
import { Flag, frame, FrameType, Http2Violation, MAX_PAYLOAD_BYTES } from './frames.js';

/** The frames that a reader returns for some bytes: each frame as text, with its data joined. */
function read(parts: readonly Buffer[]): string[] {
  const seen: string[] = [];
  let data = '';
  const reader = new FrameReader({
    dataBegins: ({ stream }) => (data = `${stream}`),
    data: (part) => (data += ` ${part.toString('hex')}`),
    dataEnded: ({ flags, length }, bytes) => {
      const [stream, ...parts] = data.split(' ');
      const hex = parts.join('');
      expect(bytes).toBe(hex.length / 2);
      seen.push(`data ${stream} ${flags} ${length} ${hex}`);
    },
    frame: ({ type, stream, flags }, payload) =>
      seen.push(`${type} ${stream} ${flags} ${payload.toString('hex')}`),
  });
  for (const part of parts) reader.push(part);
  return seen;
}

const head = fc.record({
  type: fc.constantFrom(...Object.values(FrameType), 77),
  flags: fc.constantFrom(0, Flag.endStream, Flag.endHeaders),
  stream: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
});
const frames = fc.array(fc.tuple(head, fc.uint8Array({ maxLength: 50 })), { maxLength: 10 });

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of sizes) parts.push(bytes.subarray(at, (at += size)));
  return [...parts, bytes.subarray(at)];
}

describe('FrameReader', () => {
  it('reads the same frames for any chunks', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(20)), (all, sizes) => {
        const bytes = Buffer.concat(all.map(([its, payload]) => frame(its, payload)));
        const expected = all.map(([{ type, stream, flags }, payload]) => {
          const hex = Buffer.from(payload).toString('hex');
          return type === FrameType.data
            ? `data ${stream} ${flags} ${payload.length} ${hex}`
            : `${type} ${stream} ${flags} ${hex}`;
        });
        expect(read(cut(bytes, sizes))).toEqual(expected);
      }),
    );
  });

  it('returns the data without padding, for any chunks', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(30),
        fc.array(fc.nat(5)),
        (data, padding, sizes) => {
          const payload = Buffer.concat([Buffer.from([padding]), data, Buffer.alloc(padding, 0xee)]);
          const bytes = frame({ type: FrameType.data, flags: Flag.padded, stream: 1 }, payload);
          const seen = read(cut(Buffer.concat([bytes, frame({ type: 6, flags: 0, stream: 0 })]), sizes));
          expect(seen).toEqual([
            `data 1 ${Flag.padded} ${payload.length} ${Buffer.from(data).toString('hex')}`,
            '6 0 0 ',
          ]);
        },
      ),
    );
  });

  it('refuses a frame that is too long before its payload arrives', () => {
    const long = Buffer.alloc(9);
    long.writeUIntBE(MAX_PAYLOAD_BYTES + 1, 0, 3);
    expect(() => read([long])).toThrow(Http2Violation);
  });

  it.each([
    ['more padding than there is', Buffer.from([5, 1, 2, 3, 4])],
    ['padding without its length', Buffer.alloc(0)],
  ])('refuses %s', (_what, payload) => {
    const bytes = frame({ type: FrameType.data, flags: Flag.padded, stream: 1 }, payload);
    expect(() => read([bytes])).toThrow(Http2Violation);
  });
});
