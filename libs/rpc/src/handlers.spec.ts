import { once } from 'node:events';
import { connect as http2, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { networkOf } from '@enjambre/core/network-of';
import {
  TrackerServiceClient,
  TrackerServiceService,
  type WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { createLogger } from '@enjambre/common/log/logger';
import { callUnary, readStream } from './client.js';
import { dialer } from '@enjambre/harness/dialer';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { PLAINTEXT } from './credentials.js';
import { HandlerFactory, type CallContext, type HandlerOptions } from './handlers.js';
import { GrpcServer } from './server.js';

type Unary = (request: { query: string }, context: CallContext) => Promise<object> | object;
type Stream = (request: unknown, context: CallContext) => AsyncIterable<WatchEventsResponse>;

/* eslint-disable @typescript-eslint/require-await -- generators that need not wait */

const event = (id: string): WatchEventsResponse => ({
  event: { id, time: undefined, source: '', event: undefined },
});
const started: { server: GrpcServer; client: TrackerServiceClient }[] = [];

const sessions: ClientHttp2Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const { client, server } of started.splice(0)) {
    client.close();
    await server.stop();
  }
});

/** A client of a server with the given handlers of ListFiles and WatchEvents. */
async function serve(
  handle: { unary?: Unary; stream?: Stream },
  options: Partial<HandlerOptions> = {},
  host = '127.0.0.1',
): Promise<TrackerServiceClient> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const handlers = new HandlerFactory({ domain: 'enjambre.test', log, ...options });
  const implementation = {
    listFiles: handlers.unary(handle.unary ?? (() => ({ files: [], nextPageToken: '' }))),
    watchEvents: handlers.serverStream(handle.stream ?? async function* () {}),
  };
  const services = [
    { name: 'enjambre.tracker.v1.TrackerService', definition: TrackerServiceService, implementation },
  ];
  const server = new GrpcServer({
    credentials: PLAINTEXT,
    listen: { kind: 'tcp', host, port: 0 },
    services,
    log,
    graceMs: 50,
  });
  await server.start();
  const { address } = server;
  const port = address.kind === 'tcp' ? address.port : 0;
  const client = dialer.client(TrackerServiceClient, `127.0.0.1:${port}`, 'tracker', {
    'grpc.use_local_subchannel_pool': 1,
  });
  started.push({ server, client });
  return client;
}

const list = (client: TrackerServiceClient, options: Parameters<typeof callUnary>[2] = {}) =>
  callUnary(
    client.listFiles.bind(client),
    { query: 'q', pageSize: 0, pageToken: '', exactName: false, publisher: '' },
    options,
  );

async function readAll(client: TrackerServiceClient): Promise<string[]> {
  const types: string[] = [];
  for await (const message of readStream(
    client.watchEvents({ types: [], since: undefined, replayOnly: false }),
  ))
    types.push(message.event?.id ?? '');
  return types;
}

const refused = new EnjambreError('not-found', 'UNKNOWN_THING', 'there is no such thing', {
  metadata: { thing: 'x' },
});
const asRefused = {
  code: 'not-found',
  reason: 'UNKNOWN_THING',
  message: 'there is no such thing',
  metadata: { thing: 'x' },
};

describe('a unary handler', () => {
  it('answers with access to the address and metadata of the caller', async () => {
    const contexts: (CallContext & { aborted: boolean })[] = [];
    const client = await serve({
      unary: ({ query }, context) => {
        contexts.push({ ...context, aborted: context.signal.aborted });
        return { files: [], nextPageToken: query };
      },
    });
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer t');
    expect((await list(client, { metadata })).nextPageToken).toBe('q');
    expect(contexts[0]?.metadata.get('authorization')).toEqual(['Bearer t']);
    expect(contexts[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(contexts[0]?.aborted).toBe(false);
  });

  it.each<[string, Unary]>([
    [
      'throws',
      () => {
        throw refused;
      },
    ],
    ['rejects', () => Promise.reject(refused)],
  ])('that %s ends the call with the rich error', async (_, unary) => {
    await expect(list(await serve({ unary }))).rejects.toMatchObject(asRefused);
  });

  it('hides a defect from the client, and logs it in full', async () => {
    const logged: unknown[] = [];
    const log = createLogger({ name: 'test', level: 'silent' });
    log.error = (fields: unknown) => void logged.push(fields);
    const defect = new TypeError('password hunter2');
    const client = await serve({ unary: () => Promise.reject(defect) }, { log });
    await expect(list(client)).rejects.toMatchObject({ code: 'internal', message: 'internal error' });
    expect(logged).toEqual([{ err: defect }]);
  });

  it('is notified when the caller disconnects', async () => {
    let aborted: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (aborted = resolve));
    let begun: () => void = () => undefined;
    const began = new Promise<void>((resolve) => (begun = resolve));
    const client = await serve({
      unary: async (_, { signal }) => {
        signal.addEventListener('abort', () => aborted());
        begun();
        await gone;
        return {};
      },
    });
    const abort = new AbortController();
    const call = list(client, { signal: abort.signal });
    await began;
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await gone;
  });

  it.each(['127.0.0.1', '::', ''])(
    'knows the network of its caller, on a server that listens on "%s"',
    async (host) => {
      const peers: string[] = [];
      const unary: Unary = (_, { peer }) => {
        peers.push(peer);
        return { files: [], nextPageToken: '' };
      };
      await list(await serve({ unary }, {}, host));
      expect(peers.map(networkOf)).toEqual(['127.0.0.1']);
    },
  );

  it('is not called when the call is refused', async () => {
    const calls: string[] = [];
    const authorize = ({ metadata }: CallContext): Promise<void> | undefined => {
      const error = new EnjambreError('unauthenticated', 'BAD_TOKEN', 'who are you?');
      const [token] = metadata.get('token');
      if (token === 'late') return Promise.reject(error);
      if (token !== 'right') throw error;
      return undefined;
    };
    const client = await serve(
      {
        unary: () => ({ files: calls.splice(calls.push('unary')) }),
        stream: async function* () {
          calls.push('stream');
        },
      },
      { authorize },
    );
    await expect(list(client)).rejects.toMatchObject({ code: 'unauthenticated', reason: 'BAD_TOKEN' });
    await expect(readAll(client)).rejects.toMatchObject({ code: 'unauthenticated', reason: 'BAD_TOKEN' });
    const metadata = new Metadata();
    metadata.set('token', 'late');
    await expect(list(client, { metadata })).rejects.toMatchObject({ reason: 'BAD_TOKEN' });
    expect(calls).toEqual([]);
    metadata.set('token', 'right');
    await list(client, { metadata });
    expect(calls).toEqual(['unary']);
  });
});

describe('a streaming handler', () => {
  it('sends the values of its generator, and ends with OK', async () => {
    const client = await serve({
      stream: async function* () {
        for (const type of ['a', 'b', 'c']) yield event(type);
      },
    });
    expect(await readAll(client)).toEqual(['a', 'b', 'c']);
  });

  it('ends with the rich error of its generator, after the values sent before', async () => {
    const client = await serve({
      stream: async function* () {
        yield event('a');
        throw refused;
      },
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of readStream(
        client.watchEvents({ types: [], since: undefined, replayOnly: false }),
      ))
        seen.push(message.event?.id ?? '');
    })();
    await expect(reading).rejects.toMatchObject(asRefused);
    expect(seen).toEqual(['a']);
  });

  it('ends its generator, with its resources, when the reader leaves', async () => {
    let cleanedUp: () => void = () => undefined;
    const clean = new Promise<void>((resolve) => (cleanedUp = resolve));
    const client = await serve({
      stream: async function* (_, { signal }) {
        try {
          for (let count = 0; !signal.aborted; count++) {
            yield event(String(count));
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          cleanedUp();
        }
      },
    });
    for await (const message of readStream(
      client.watchEvents({ types: [], since: undefined, replayOnly: false }),
    )) {
      if (message.event?.id === '5') break;
    }
    await clean;
  });

  it('ends when its reader reads nothing for half a minute, but not while it has nothing to read', async () => {
    const clock = new VirtualClock();
    let ended: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (ended = resolve));
    let more: () => void = () => undefined;
    const quiet = new Promise<void>((resolve) => (more = resolve));
    const client = await serve(
      {
        stream: async function* (_, { signal }) {
          try {
            yield event('first');
            await quiet;
            while (!signal.aborted) yield event('x'.repeat(100_000));
          } finally {
            ended();
          }
        },
      },
      { clock },
    );
    const call = rawWatch(client);
    call.once('data', () => call.pause());
    await once(call, 'data');
    await clock.advance(120_000);
    const [code] = await Promise.all([
      new Promise((resolve) => {
        call.on('error', () => undefined);
        call.on('close', () => {
          resolve(call.rstCode);
        });
      }),
      (async () => {
        more();
        // Until the windows are full.
        for (let other = 0; other < 20; other++) await list(client);
        await clock.advance(30_000);
        await over;
        call.resume();
      })(),
    ]);
    expect(code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  it('sends no faster than the reader reads', async () => {
    let yielded = 0;
    const client = await serve({
      stream: async function* (_, { signal }) {
        while (!signal.aborted && yielded < 100_000) {
          yielded += 1;
          yield event('x'.repeat(10_000));
        }
      },
    });
    const call = rawWatch(client);
    call.pause();
    await once(call, 'response');
    for (let other = 0; other < 50; other++) await list(client);
    expect(yielded).toBeGreaterThan(1);
    expect(yielded).toBeLessThan(50);
  });
});

/** A call of WatchEvents without a gRPC client: grpc-js reads ahead of its reader without bound. */
function rawWatch(client: TrackerServiceClient): ClientHttp2Stream {
  const session = http2(`http://${client.getChannel().getTarget().replace(/^dns:/, '')}`);
  sessions.push(session);
  const call = session.request({
    ':method': 'POST',
    ':path': '/enjambre.tracker.v1.TrackerService/WatchEvents',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  call.end(Buffer.alloc(5)); // An empty message.
  return call;
}
