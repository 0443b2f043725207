import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { PLAINTEXT } from '../credentials.js';
import { Http2Connection } from './connection.js';
import {
  Flag,
  frame,
  FrameType,
  MAX_PAYLOAD_BYTES,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from './frames.js';
import { encodeHeaders } from './hpack.js';
import type { Http2Stream, StreamEnd } from './http2-stream.js';

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanup.splice(0).reverse()) undo();
});

const OK = encodeHeaders([[':status', '200']]);
const TRAILERS = encodeHeaders([['grpc-status', '0']]);
const INTERIM = encodeHeaders([[':status', '103']]);

function of(type: number, stream: number, payload: Uint8Array = Buffer.alloc(0), flags = 0): Buffer {
  return frame({ type, flags, stream }, payload);
}

function headers(stream: number, fields = OK, flags: number = Flag.endHeaders): Buffer {
  return of(FrameType.headers, stream, fields, flags);
}

const data = (stream: number, bytes: number, flags = 0): Buffer =>
  of(FrameType.data, stream, Buffer.alloc(bytes), flags);

function times(count: number, ...frames: Buffer[]): Buffer {
  const one = Buffer.concat(frames);
  return Buffer.concat(Array.from({ length: count }, () => one));
}

interface Scene {
  readonly stream: Http2Stream;
  readonly connection: Http2Connection;
  readonly ended: Promise<StreamEnd | undefined>;
  /** Resolves with all that the client sent, when its connection is closed. */
  readonly heard: Promise<Buffer>;
  readonly say: (...frames: Buffer[]) => void;
  /** The server disconnects. */
  readonly close: () => void;
}

/** A client with one open stream, number 1, and the server's end of its connection. */
async function scene(...first: Buffer[]): Promise<Scene> {
  let socket: Socket | undefined;
  const heard: Buffer[] = [];
  const server = createServer((accepted) => {
    socket = accepted;
    accepted.on('error', () => undefined);
    accepted.on('data', (part) => heard.push(part));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new Http2Connection(
    `127.0.0.1:${(server.address() as AddressInfo).port}`,
    'agent',
    PLAINTEXT,
  );
  let stream: Http2Stream | undefined;
  const ended = new Promise<StreamEnd | undefined>((closed) => {
    stream = connection.request([[':method', 'POST']], {
      headers: () => undefined,
      data: () => undefined,
      closed,
    });
  });
  await once(server, 'connection');
  cleanup.push(
    () => server.close(),
    () => socket?.destroy(),
    () => connection.close(),
  );
  const whole = once(socket!, 'close').then(() => Buffer.concat(heard));
  const say = (...frames: Buffer[]): void => void socket?.write(Buffer.concat(frames));
  say(settingsFrame([]), ...first);
  return { stream: stream!, connection, ended, heard: whole, say, close: () => socket?.end() };
}

const PING = of(FrameType.ping, 0, Buffer.alloc(8));

describe('a server that floods the client with frames', () => {
  it.each<[string, Buffer]>([
    ['pings', times(1100, PING)],
    ['answers to pings', times(1100, of(FrameType.ping, 0, Buffer.alloc(8), Flag.ack))],
    ['settings', times(1100, settingsFrame([[4, 70_000]]))],
    ['answers to settings', times(1100, of(FrameType.settings, 0, Buffer.alloc(0), Flag.ack))],
    ['priorities', times(1100, of(2, 1, Buffer.alloc(5)))],
    ['frames of an unknown type', times(1100, of(99, 77, Buffer.alloc(100)))],
    ['window updates', times(1100, windowUpdateFrame(0, 1))],
    ['window updates of the stream', times(1100, windowUpdateFrame(1, 1))],
    ['interim responses', times(1100, headers(1, INTERIM))],
    [
      'interim responses in many frames',
      times(20, headers(1, INTERIM, 0), times(60, of(9, 1)), of(9, 1, Buffer.alloc(0), Flag.endHeaders)),
    ],
    ['goodbyes', times(1100, of(FrameType.goaway, 0, Buffer.from([127, 255, 255, 255, 0, 0, 0, 0])))],
    ['empty data', Buffer.concat([headers(1), times(1100, data(1, 0))])],
    [
      'data that is all padding',
      Buffer.concat([headers(1), times(1100, of(FrameType.data, 1, Buffer.from([3, 0, 0, 0]), Flag.padded))]),
    ],
    ['data of a byte each', Buffer.concat([headers(1), times(160_000, data(1, 1))])],
  ])('is left for %s', async (_what, flood) => {
    const { ended, heard } = await scene(flood);
    expect(await ended).toEqual({
      reason: 'the peer sent too many frames that serve no stream',
      isViolation: true,
    });
    const said = await heard;
    // GOAWAY with ENHANCE_YOUR_CALM, and why.
    expect(said.includes(Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]))).toBe(true);
    expect(said.includes('too many frames')).toBe(true);
  });

  it.each<[string, Buffer, RegExp]>([
    ['data of a stream that was never opened', data(3, 100), /never opened/],
    ['data of a stream with an even number', data(2, 0), /never opened/],
    ['headers of a stream that was never opened', headers(3), /never opened/],
    ['a reset of a stream that was never opened', rstStreamFrame(5, 8), /never opened/],
    ['a window update of a stream that was never opened', windowUpdateFrame(7, 1), /never opened/],
    ['data before headers', data(1, 10), /data before headers/],
    ['headers twice', Buffer.concat([headers(1), headers(1)]), /trailers that do not end/],
    [
      'trailers twice',
      Buffer.concat([
        headers(1),
        headers(1, TRAILERS, Flag.endHeaders | Flag.endStream),
        headers(1, TRAILERS, Flag.endHeaders | Flag.endStream),
      ]),
      /has ended/,
    ],
    ['data after the end', Buffer.concat([headers(1), data(1, 0, Flag.endStream), data(1, 10)]), /has ended/],
    ['data after a reset', Buffer.concat([headers(1), rstStreamFrame(1, 8), data(1, 10)]), /has ended/],
    ['very many settings', settingsFrame(Array.from({ length: 65 }, () => [4, 1])), /too many settings/],
  ])('is left for %s', async (_what, frames, reason) => {
    const { ended, heard } = await scene(headers(1, INTERIM), frames);
    await ended;
    // The stream may have ended before, as the server said.
    expect((await heard).toString('latin1')).toMatch(reason);
  });

  it('may send what was in flight when a stream is cancelled, and is left for more', async () => {
    const frames = (8 << 20) / MAX_PAYLOAD_BYTES;
    const { say, stream, connection, heard } = await scene();
    const other = new Promise<StreamEnd | undefined>((closed) => {
      connection.request([[':method', 'POST']], { headers: () => undefined, data: () => undefined, closed });
    });
    stream.cancel();
    say(headers(1), times(frames, data(1, MAX_PAYLOAD_BYTES)), PING);
    const late = new Promise((resolve) => setTimeout(resolve, 100, 'open'));
    expect(await Promise.race([other, late])).toBe('open');
    say(data(1, 1));
    expect(await other).toMatchObject({ isViolation: true });
    expect((await heard).toString('latin1')).toMatch(/more data of a cancelled stream/);
  });

  it('may end a cancelled stream once', async () => {
    const { say, stream, connection, heard } = await scene();
    connection.request([[':method', 'POST']], {
      headers: () => undefined,
      data: () => undefined,
      closed: () => undefined,
    });
    stream.cancel();
    say(headers(1), headers(1, TRAILERS, Flag.endHeaders | Flag.endStream), windowUpdateFrame(1, 9));
    say(rstStreamFrame(1, 8), headers(1));
    expect((await heard).toString('latin1')).toMatch(/a stream that has ended/);
  });
});

describe('a server that floods no more than its work explains', () => {
  it('is kept: a ping for each block, and the window updates for our data', async () => {
    const { say, stream, ended, heard } = await scene(headers(1));
    for (let round = 0; round < 30; round++) {
      say(times(100, data(1, MAX_PAYLOAD_BYTES), PING));
      for (let part = 0; part < 50; part++) stream.write(Buffer.alloc(10));
      await new Promise((resolve) => setTimeout(resolve, 5));
      say(times(50, windowUpdateFrame(0, 10), windowUpdateFrame(1, 10)));
    }
    say(data(1, 0, Flag.endStream));
    expect(await ended).toBeUndefined();
    void heard;
  });
});

describe('the goodbye of a server', () => {
  const goaway = (last: number, code: number, text: string): Buffer => {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(last, 0);
    payload.writeUInt32BE(code, 4);
    return of(FrameType.goaway, 0, Buffer.concat([payload, Buffer.from(text)]));
  };

  it.each([
    [
      'its text',
      'TOO_MANY_CONNECTIONS: try later',
      'the peer ended the connection: TOO_MANY_CONNECTIONS: try later',
    ],
    ['its code', '', 'the peer ended the connection (11)'],
    [
      'one line without control characters',
      'a\u001b[31m\n\u202eb',
      'the peer ended the connection: a [31m b',
    ],
  ])('reaches the error of a stream that it does not answer: %s', async (_what, text, reason) => {
    const { ended, connection } = await scene(goaway(0, 11, text));
    expect(await ended).toEqual({ reason, isViolation: false });
    const later = new Promise<StreamEnd | undefined>((closed) => {
      connection.request([], { headers: () => undefined, data: () => undefined, closed });
    });
    expect(await later).toEqual({ reason, isViolation: false });
  });

  it('reaches the error of a stream that it cuts off, and is bounded', async () => {
    const { ended, say } = await scene(goaway(1, 11, 'x'.repeat(10_000)));
    say(of(FrameType.rstStream, 1, Buffer.alloc(4)));
    expect((await ended)?.reason).toContain('reset');
    const cut = await scene(goaway(1, 11, 'x'.repeat(10_000)));
    cut.close();
    expect((await cut.ended)?.reason).toBe(`the peer ended the connection: ${'x'.repeat(200)}`);
  });
});
