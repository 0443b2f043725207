import { PLAINTEXT } from '../credentials.js';
import { once } from 'node:events';
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Http2Connection } from './connection.js';
import { Flag, frame, FrameType, goawayFrame, PREFACE, settingsFrame, windowUpdateFrame } from './frames.js';
import { encodeHeaders } from './hpack.js';
import type { Http2Stream } from './http2-stream.js';

const REQUEST = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'here'],
] as const;

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanup.splice(0).reverse()) undo();
});

async function listen(server: Server | Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A real server, whose streams are handled by `handle`. */
function http2Server(handle: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createHttp2();
  server.on('stream', handle);
  server.on('session', (session) => {
    session.on('error', () => undefined);
    cleanup.push(() => session.destroy());
  });
  return listen(server);
}

/** A server with scripted bytes. `heard` resolves with the bytes received before the connection ended. */
async function rawServer(bytes: Buffer): Promise<{ endpoint: string; heard: Promise<Buffer> }> {
  let resolveHeard: (heard: Buffer) => void = () => undefined;
  const heard = new Promise<Buffer>((resolve) => (resolveHeard = resolve));
  const server = createServer((socket: Socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolveHeard(Buffer.concat(parts));
    });
    cleanup.push(() => socket.destroy());
    socket.write(bytes);
  });
  return { endpoint: await listen(server), heard };
}

function connection(endpoint: string): Http2Connection {
  const opened = new Http2Connection(endpoint, 'agent', PLAINTEXT);
  cleanup.push(() => {
    opened.close();
  });
  return opened;
}

interface Outcome {
  readonly headers: [Record<string, string>, isLast: boolean][];
  readonly body: Buffer;
  readonly reason: string | undefined;
  readonly isViolation: boolean | undefined;
}

/** All events of a request. */
function request(on: Http2Connection, say?: (stream: Http2Stream) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers: Outcome['headers'] = [];
    const parts: Buffer[] = [];
    const stream = on.request(REQUEST, {
      headers: (fields, isLast) => headers.push([Object.fromEntries(fields), isLast]),
      data: (part) => parts.push(Buffer.from(part)),
      closed: (end) => {
        resolve({ headers, body: Buffer.concat(parts), reason: end?.reason, isViolation: end?.isViolation });
      },
    });
    say?.(stream);
  });
}

describe('Http2Connection', () => {
  it('receives more than any window holds, then the trailers', async () => {
    const body = Buffer.alloc(40 << 20, 'abcdefg');
    const endpoint = await http2Server((stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0' });
      });
      stream.end(body);
    });
    const outcome = await request(connection(endpoint));
    expect(outcome.body.equals(body)).toBe(true);
    expect(outcome.headers).toMatchObject([
      [{ ':status': '200' }, false],
      [{ 'grpc-status': '0' }, true],
    ]);
    expect(outcome.reason).toBeUndefined();
  });

  it('sends more than the windows of the server hold', async () => {
    const sent = Buffer.alloc(300_000, 'xyz');
    const endpoint = await http2Server((stream) => {
      let got = 0;
      stream.on('error', () => undefined);
      stream.on('data', (part: Buffer) => {
        got += part.length;
        if (got < sent.length) return;
        stream.respond({ ':status': 200 });
        stream.end(`${got}`);
      });
    });
    const outcome = await request(connection(endpoint), (stream) => {
      stream.write(sent.subarray(0, 100_000));
      stream.write(sent.subarray(100_000));
    });
    expect(outcome.body.toString()).toBe(`${sent.length}`);
  });

  it('carries many streams, and ends when the last has ended', async () => {
    const endpoint = await http2Server((stream) => {
      stream.respond({ ':status': 200 });
      stream.once('data', (part: Buffer) => stream.end(part));
      stream.on('error', () => undefined);
    });
    const one = connection(endpoint);
    const all = Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        request(one, (stream) => {
          stream.write(Buffer.from(`body ${at}`));
        }),
      ),
    );
    one.close();
    expect(one.isOpen).toBe(false);
    expect((await all).map(({ body }) => body.toString())).toEqual(
      Array.from({ length: 50 }, (_, at) => `body ${at}`),
    );
  });

  it('reports nothing of a cancelled stream, while others continue', async () => {
    let cancelled: Promise<unknown> = Promise.resolve();
    const endpoint = await http2Server((stream) => {
      stream.on('error', () => undefined);
      stream.respond({ ':status': 200 });
      if (stream.id === 1) {
        cancelled = once(stream, 'close');
        stream.write(Buffer.alloc(100_000));
      } else stream.end('the other');
    });
    const one = connection(endpoint);
    let parts = 0;
    await new Promise<void>((resolve) => {
      const stream: Http2Stream = one.request(REQUEST, {
        headers: () => undefined,
        data: () => {
          parts += 1;
          stream.cancel();
          resolve();
        },
        closed: () => {
          throw new Error('it was cancelled');
        },
      });
    });
    expect((await request(one)).body.toString()).toBe('the other');
    await cancelled;
    expect(parts).toBe(1);
  });

  it('reports why it cannot connect, also to later callers', async () => {
    const server = createServer();
    const endpoint = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const one = connection(endpoint);
    expect((await request(one)).reason).toContain('ECONNREFUSED');
    expect(one.isOpen).toBe(false);
    expect((await request(one)).reason).toBe('the connection ended');
  });

  it('ends all streams when the server disconnects', async () => {
    const streams: ServerHttp2Stream[] = [];
    const endpoint = await http2Server((stream) => {
      stream.on('error', () => undefined);
      streams.push(stream);
      stream.respond({ ':status': 200 });
      if (streams.length === 2) stream.session?.destroy();
    });
    const one = connection(endpoint);
    const outcomes = await Promise.all([request(one), request(one)]);
    expect(outcomes.every(({ reason }) => reason !== undefined)).toBe(true);
  });

  it('notifies only the stream that the server resets', async () => {
    const endpoint = await http2Server((stream) => {
      stream.on('error', () => undefined);
      if (stream.id === 1) stream.close(11);
      else stream.respond({ ':status': 204 }, { endStream: true });
    });
    const one = connection(endpoint);
    const [first, second] = await Promise.all([request(one), request(one)]);
    expect(first.reason).toBe('the peer reset the stream (11)');
    expect(second.reason).toBeUndefined();
  });

  it('reads headers in several frames, and answers pings and settings', async () => {
    const block = encodeHeaders([
      [':status', '200'],
      ['x', 'y'.repeat(100)],
    ]);
    const padded = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 7]), block.subarray(0, 20), Buffer.alloc(2)]);
    const flags = Flag.padded | Flag.priority | Flag.endStream;
    const { endpoint, heard } = await rawServer(
      Buffer.concat([
        settingsFrame([[4, 100_000]]),
        frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.from('12345678')),
        frame({ type: FrameType.headers, flags, stream: 1 }, padded),
        frame({ type: FrameType.continuation, flags: Flag.endHeaders, stream: 1 }, block.subarray(20)),
        frame({ type: 200, flags: 3, stream: 9 }, Buffer.from('of a later version')),
        goawayFrame(0),
      ]),
    );
    const one = connection(endpoint);
    const { headers, reason } = await request(one);
    expect(headers).toEqual([[{ ':status': '200', x: 'y'.repeat(100) }, true]]);
    expect(reason).toBeUndefined();
    const said = await heard;
    expect(said.subarray(0, PREFACE.length)).toEqual(PREFACE);
    expect(
      said.includes(frame({ type: FrameType.ping, flags: Flag.ack, stream: 0 }, Buffer.from('12345678'))),
    ).toBe(true);
    expect(said.includes(frame({ type: FrameType.settings, flags: Flag.ack, stream: 0 }))).toBe(true);
  });

  const head = (
    type: number,
    stream: number,
    flags = 0,
  ): { type: number; stream: number; flags: number } => ({
    type,
    stream,
    flags,
  });
  it.each<[string, Buffer]>([
    ['bytes that are not HTTP/2', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['data without a stream', frame(head(FrameType.data, 0), Buffer.from('x'))],
    ['a ping of the wrong size', frame(head(FrameType.ping, 0), Buffer.from('x'))],
    ['truncated settings', frame(head(FrameType.settings, 0), Buffer.from('x'))],
    ['a window update of zero', windowUpdateFrame(1, 0)],
    ['a window that is too large', Buffer.concat([windowUpdateFrame(1, 2 ** 31 - 1)])],
    ['an initial window that is too large', settingsFrame([[4, 2 ** 31]])],
    ['a window update cut short', frame(head(FrameType.windowUpdate, 0), Buffer.from('x'))],
    ['a continuation without headers', frame(head(FrameType.continuation, 1), Buffer.from('x'))],
    ['a push', frame(head(FrameType.pushPromise, 1), Buffer.from('x'))],
    ['malformed headers', frame(head(FrameType.headers, 1, Flag.endHeaders), Buffer.from([0xff, 0xff]))],
    [
      'headers that are all padding',
      frame(head(FrameType.headers, 1, Flag.endHeaders | Flag.padded), Buffer.from([9, 1])),
    ],
    [
      'a frame within a header block',
      Buffer.concat([frame(head(FrameType.headers, 1)), frame(head(FrameType.data, 1))]),
    ],
    [
      'headers without an end',
      Buffer.concat([
        frame(head(FrameType.headers, 1)),
        ...Array.from({ length: 70 }, () => frame(head(FrameType.continuation, 1), Buffer.alloc(1))),
      ]),
    ],
  ])('leaves a server that sends %s', async (_what, bytes) => {
    const { endpoint, heard } = await rawServer(bytes);
    const one = connection(endpoint);
    const { reason } = await request(one);
    expect(reason).toContain('the peer sent');
    expect(one.isOpen).toBe(false);
    // The server is notified, and the connection is closed.
    expect((await heard).includes(Buffer.from([FrameType.goaway, 0, 0, 0, 0, 0]))).toBe(true);
  });

  it('disconnects from a server that opens its windows and does not read', async () => {
    const server = createServer((socket) => {
      cleanup.push(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.pause();
      socket.write(Buffer.concat([settingsFrame([[4, 2 ** 31 - 1]]), windowUpdateFrame(0, 2 ** 30)]));
    });
    const { reason } = await request(connection(await listen(server)), (stream) => {
      const writes = setInterval(() => stream.write(Buffer.alloc(200_000)), 1);
      cleanup.push(() => clearInterval(writes));
    });
    expect(reason).toBe('the peer does not read from the connection');
  });

  it('disconnects from a server whose window stays closed, before much data waits', async () => {
    const { endpoint } = await rawServer(settingsFrame([[4, 0]]));
    const { reason } = await request(connection(endpoint), (stream) => {
      for (let part = 0; part < 20; part++) stream.write(Buffer.alloc(100_000));
    });
    expect(reason).toBe('the peer does not read from the connection');
  });

  it('opens no more concurrent streams than the server allows, and reports that for those it refuses', async () => {
    const streams: ServerHttp2Stream[] = [];
    const server = createHttp2({ settings: { maxConcurrentStreams: 2 } });
    server.on('stream', (stream: ServerHttp2Stream) => {
      streams.push(stream);
      stream.on('error', () => undefined);
      stream.respond({ ':status': 200 });
      stream.write('here');
    });
    server.on('session', (session) => cleanup.push(() => session.destroy()));
    const one = connection(await listen(server));
    const open = (): Promise<Http2Stream> =>
      new Promise((resolve, reject) => {
        const stream: Http2Stream = one.request(REQUEST, {
          headers: () => undefined,
          data: () => {
            resolve(stream);
          },
          closed: reject,
        });
      });
    const first = await open();
    await open();
    const refusal = 'the peer accepts no more than 2 streams at a time';
    expect((await request(one, (stream) => stream.write(Buffer.from('x')))).reason).toBe(refusal);
    const unheard = {
      headers: () => undefined,
      data: () => undefined,
      closed: () => expect('a cancelled stream').toBe('silent'),
    };
    one.request(REQUEST, unheard).cancel();
    await expect(open()).rejects.toMatchObject({ reason: refusal, isViolation: false });
    expect(one.isOpen).toBe(true);
    // Node's own server counts a stream until it has processed its end, and refuses others until then.
    const ended = new Promise((resolve) => streams[0]?.once('close', resolve));
    first.cancel();
    await ended;
    await open();
    expect(streams.map(({ id }) => id)).toEqual([1, 3, 5]);
  });

  it('reads bytes that have arrived before it declares a server dead, even after a long stall of this process', async () => {
    const now = performance.now.bind(performance);
    let offsetMs = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + offsetMs);
    cleanup.push(() => clock.mockRestore());
    const ping = frame(head(FrameType.ping, 0), Buffer.alloc(8));
    const server = createServer((socket) => {
      cleanup.push(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('data', (part: Buffer) => {
        if (!part.includes(ping)) return;
        socket.write(frame(head(FrameType.ping, 0, Flag.ack), Buffer.alloc(8)));
        // The answer is unread while its deadline passes, and the next check is due.
        offsetMs += 60_000;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
        const fields = encodeHeaders([[':status', '204']]);
        setImmediate(() => {
          setImmediate(() =>
            socket.write(frame(head(FrameType.headers, 1, Flag.endHeaders | Flag.endStream), fields)),
          );
        });
      });
      socket.write(settingsFrame([]), () => (offsetMs += 60_000));
    });
    const { headers, reason } = await request(connection(await listen(server)));
    expect(reason).toBeUndefined();
    expect(headers).toEqual([[{ ':status': '204' }, true]]);
  });

  it('detects a server that falls silent, and one that was always silent', async () => {
    const silent = await rawServer(Buffer.alloc(0));
    const silenced = await rawServer(settingsFrame([]));
    const outcomes = await Promise.all(
      [silent, silenced].map(({ endpoint }) => request(connection(endpoint))),
    );
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'no answer within 10s',
      'the peer no longer answers',
    ]);
    expect(
      (await silenced.heard).includes(frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.alloc(8))),
    ).toBe(true);
  });
});
