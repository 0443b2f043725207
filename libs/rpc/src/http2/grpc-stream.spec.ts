import { once } from 'node:events';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { PLAINTEXT } from '../credentials.js';
import type { CallObserver } from '../call-observer.js';
import { MadeCalls } from '../made-calls.js';
import { toStatus } from '../status.js';
import { Http2Connection } from './connection.js';
import { GrpcStream } from './grpc-stream.js';

let server: Http2Server;
let connection: Http2Connection;
let observers: CallObserver[];
let handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
const sessions = new Set<{ destroy(): void }>();

beforeEach(async () => {
  observers = [];
  server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  connection = new Http2Connection(`127.0.0.1:${(server.address() as AddressInfo).port}`, 'agent', PLAINTEXT);
});

afterEach(() => {
  connection.close();
  for (const session of sessions) session.destroy();
  sessions.clear();
  server.close();
});

interface Call {
  readonly stream: GrpcStream<string>;
  readonly heard: Buffer[];
  /** Resolves with the error that ended it. */
  readonly ended: Promise<EnjambreError | undefined>;
}

function call(push: (part: Buffer) => void = () => undefined): Call {
  const heard: Buffer[] = [];
  let stream: GrpcStream<string> | undefined;
  const ended = new Promise<EnjambreError | undefined>((resolve) => {
    stream = new GrpcStream<string>({
      connection,
      calls: new MadeCalls(observers),
      method: { path: '/enjambre.test/Say', requestSerialize: (text) => Buffer.from(text) },
      reader: {
        push: (part) => {
          heard.push(Buffer.from(part));
          push(part);
        },
      },
      ended: resolve,
    });
  });
  if (!stream) throw new Error('a promise runs its function at once');
  return { stream, heard, ended };
}

/** Answers with a status and the given trailers. */
function refuse(stream: ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailers);
  });
  stream.end();
}

describe('a gRPC stream of our own client', () => {
  it('sends prefixed messages, and its end', async () => {
    const received: Buffer[] = [];
    handle = (stream) => {
      stream.on('data', (part: Buffer) => received.push(part));
      stream.on('end', () => {
        refuse(stream, { 'grpc-status': '0' });
      });
    };
    const { stream, ended } = call();
    stream.write('one');
    stream.write('three');
    stream.end();
    stream.write('too late');
    expect(await ended).toBeUndefined();
    expect(Buffer.concat(received).toString('latin1')).toBe('\0\0\0\0\x03one\0\0\0\0\x05three');
  });

  it('sends its end after data that waited for the window', async () => {
    const text = 'x'.repeat(200_000);
    let bytes = 0;
    handle = (stream) => {
      stream.on('data', (part: Buffer) => (bytes += part.length));
      stream.on('end', () => {
        refuse(stream, { 'grpc-status': '0' });
      });
    };
    const { stream, ended } = call();
    stream.write(text);
    stream.end();
    expect(await ended).toBeUndefined();
    expect(bytes).toBe(text.length + 5);
  });

  it.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    [
      'a page of a proxy',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>Sign in</html>');
      },
      'not a gRPC server: it answered with text/html',
    ],
    [
      'an error of a proxy',
      (stream) => {
        stream.respond({ ':status': 503, 'content-type': 'text/html' });
        stream.end('<html>Try later</html>');
      },
      'HTTP 503',
    ],
    [
      'the end without a status',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end();
      },
      'the stream ended without a status',
    ],
  ])('finds the server unavailable that answers with %s', async (_, answer, message) => {
    handle = answer;
    const { heard, ended } = call();
    expect(await ended).toMatchObject({ code: 'unavailable', message: expect.stringContaining(message) });
    expect(heard).toEqual([]);
  });

  it('reads the details of an error, and ignores other trailers', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const refusal = new EnjambreError('denied', 'BANNED', 'you are banned');
    const { code, details, metadata } = toStatus(refusal, 'enjambre.peer');
    const [bytes] = metadata.get('grpc-status-details-bin');
    handle = (stream) => {
      refuse(stream, {
        'grpc-status': String(code),
        'grpc-message': details,
        'grpc-status-details-bin': (bytes as Buffer).toString('base64'),
        'odd!name': 'value',
      });
    };
    expect(await call().ended).toMatchObject({ code: 'denied', reason: 'BANNED', message: 'you are banned' });
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('is reported to observers like any call, and carries their headers', async () => {
    const codes: number[] = [];
    observers = [(path) => ({ headers: { 'x-path': path }, ended: (code) => codes.push(code) })];
    const said: unknown[] = [];
    handle = (stream, headers) => {
      said.push(headers['x-path']);
      refuse(stream, { 'grpc-status': '7', 'grpc-message': 'no' });
    };
    await call().ended;
    expect(said).toEqual(['/enjambre.test/Say']);
    expect(codes).toEqual([status.PERMISSION_DENIED]);
    handle = () => undefined;
    call().stream.cancel();
    expect(codes).toEqual([status.PERMISSION_DENIED, status.CANCELLED]);
  });

  it('reports unreadable messages as a violation by the server', async () => {
    handle = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
      stream.write('nonsense');
    };
    const { ended } = call(() => {
      throw new Error('nonsense');
    });
    expect(await ended).toMatchObject({ code: 'invalid', reason: 'PROTOCOL_VIOLATION' });
  });
});
