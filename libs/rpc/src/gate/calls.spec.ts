import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { dialer } from '@enjambre/harness/dialer';
import { Strangers } from '@enjambre/harness/strangers';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { waitFor } from '@enjambre/harness/wait-for';
import {
  TrackerServiceClient,
  TrackerServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type GetStatsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { callUnary } from '../client.js';
import { PLAINTEXT } from '../credentials.js';
import { HandlerFactory } from '../handlers.js';
import { fromServiceError } from '../status.js';
import { GrpcServer } from '../server.js';
import { Metadata } from '@grpc/grpc-js';
import type { Resource } from './budgets.js';
import { greeted } from './greeting.js';
import { LEAST_QUOTA, SERVICE_LIMITS } from './limits.js';

const SERVICE = 'enjambre.tracker.v1.TrackerService';
const STATS: GetStatsResponse = {
  version: 'it works',
  startedAt: undefined,
  time: undefined,
  trackerCount: 0,
  degraded: false,
  peerCount: 0,
  fileCount: 0,
  seederCount: 0,
  leecherCount: 0,
  announceCount: 0n,
  completedDownloadCount: 0n,
};
const log = createLogger({ name: 'test', level: 'silent' });
const STRANGER = '127.0.0.66';
/** An empty message. */
const EMPTY = Buffer.alloc(5);
const RESOURCES: readonly Resource[] = ['connections', 'streams', 'calls', 'watches', 'greetings'];

let server: GrpcServer;
let clock: VirtualClock;
/** Calls of ListFiles that have begun and not ended. */
let open: number;
/** Answers the calls of ListFiles. */
let answer: () => void;
/** The first messages of Connect streams that were greeted. */
let greetings: number;
const strangers = new Strangers(() => server.address);
const sessions: ClientHttp2Session[] = [];

beforeEach(async () => {
  clock = new VirtualClock();
  open = 0;
  greetings = 0;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const handlers = new HandlerFactory({ domain: 'test', log, clock });
  const implementation = {
    getStats: handlers.unary(() => STATS),
    listFiles: handlers.unary(async (_, { signal }) => {
      open += 1;
      signal.addEventListener('abort', () => (open -= 1));
      await answered;
      return { files: [], nextPageToken: 'x'.repeat(100_000) };
    }),
    watchEvents: handlers.serverStream(async function* (_, { signal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    }),
    connect: (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) => {
      call.on('data', ({ message }: ConnectRequest) => {
        if (message?.$case !== 'hello') return;
        greetings += 1;
        greeted(call);
      });
      call.on('error', () => undefined);
    },
  };
  server = new GrpcServer({
    listen: parseAddress('127.0.0.1:0'),
    credentials: PLAINTEXT,
    services: [{ name: SERVICE, definition: TrackerServiceService, implementation }],
    log,
    clock,
    graceMs: 50,
    // A party may have 16 calls at a time, 256 streams, 8 watches, 32 greetings, and 50 calls a second.
    limits: {
      ...SERVICE_LIMITS,
      streams: 1000,
      calls: 100,
      watches: 100,
      greetings: 100,
      callsPerSecond: 1000,
    },
  });
  await server.start();
});

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  strangers.stop();
  await server.stop();
});

async function session(from = STRANGER): Promise<ClientHttp2Session> {
  const socket = await strangers.socket(from);
  const made = connect('http://there', { createConnection: () => socket });
  made.on('error', () => undefined);
  sessions.push(made);
  await once(made, 'remoteSettings');
  return made;
}

/** A call with an empty request, whose answer is not read. */
function call(over: ClientHttp2Session, method: string, headers = {}): ClientHttp2Stream {
  const stream = over.request({
    ':method': 'POST',
    ':path': `/${SERVICE}/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  return stream;
}

function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve));
}

/** The error with which a call was refused. */
async function refusal(stream: ClientHttp2Stream): Promise<unknown> {
  const [headers] = (await once(stream, 'response')) as [Record<string, string>];
  const metadata = new Metadata();
  const details = headers['grpc-status-details-bin'];
  if (details !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(details, 'base64'));
  const code = Number(headers['grpc-status']);
  return fromServiceError(
    Object.assign(new Error(), { code, details: headers['grpc-message'] ?? '', metadata }),
  );
}

/** The text with which the server ends a connection. */
async function goodbye(over: ClientHttp2Session): Promise<string> {
  const [code, , text] = (await once(over, 'goaway')) as [number, number, Buffer];
  expect(code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  await new Promise((resolve) => over.once('close', resolve));
  return text.toString();
}

async function serves(): Promise<boolean> {
  const client = dialer.client(TrackerServiceClient, formatAddress(server.address), 'tracker', {
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    return (await callUnary(client.getStats.bind(client), {})).version === 'it works';
  } finally {
    client.close();
  }
}

/** Everything that strangers took is given back. */
async function allIsGivenBack(): Promise<void> {
  await waitFor(() => RESOURCES.every((resource) => server.held(resource) === 0), {
    what: 'nothing is held',
    seen: () => RESOURCES.map((resource) => `${resource}: ${server.held(resource)}`),
  });
}

describe('calls', () => {
  it('begin in turn, no more at a time than an address may have, while others are served', async () => {
    const over = await session();
    const calls = Array.from({ length: 40 }, () => call(over, 'ListFiles').end(EMPTY));
    await waitFor(() => server.held('streams') === 40 && open === LEAST_QUOTA.calls, { what: 'some began' });
    expect(server.held('calls')).toBe(LEAST_QUOTA.calls);
    expect(await serves()).toBe(true);
    for (const each of calls) each.resume();
    answer();
    await Promise.all(calls.map((each) => closed(each)));
    over.destroy();
    await allIsGivenBack();
  });

  it('with answers that nobody reads take bounded memory, and end after their time', async () => {
    answer();
    const socket = await strangers.socket(STRANGER);
    const over = connect('http://there', {
      createConnection: () => socket,
      settings: { initialWindowSize: 0 },
    });
    sessions.push(over);
    await once(over, 'remoteSettings');
    const calls = Array.from({ length: 100 }, () => call(over, 'ListFiles').end(EMPTY));
    const ended = calls.map((each) => closed(each));
    await waitFor(() => server.held('streams') === 100, { what: 'all have arrived' });
    expect(server.held('calls')).toBe(16);
    await clock.advance(31_000);
    await Promise.all(ended);
    over.destroy();
    await allIsGivenBack();
  });

  it('that wait too long for their turn are refused', async () => {
    const over = await session();
    const calls = Array.from({ length: 17 }, () => call(over, 'ListFiles').end(EMPTY));
    await waitFor(() => server.held('streams') === 17, { what: 'all have arrived' });
    const refused = refusal(calls[16] as ClientHttp2Stream);
    await clock.advance(10_000);
    expect(await refused).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_CALLS', retryAfterMs: 1000 });
  });

  it('without a request are refused', async () => {
    const over = await session();
    const silent = refusal(call(over, 'WatchEvents'));
    await waitFor(() => server.held('streams') === 1, { what: 'it has arrived' });
    await clock.advance(30_000);
    expect(await silent).toMatchObject({ code: 'timeout', reason: 'NO_REQUEST' });
    over.destroy();
    await allIsGivenBack();
  });

  it('are refused if they come too fast, and end the connection if they continue', async () => {
    const over = await session();
    const saved = Array.from({ length: 250 }, () => call(over, 'GetStats').end(EMPTY).resume());
    await Promise.all(saved.map((each) => closed(each)));
    expect(await refusal(call(over, 'GetStats').end(EMPTY))).toMatchObject({
      code: 'exhausted',
      reason: 'TOO_MANY_CALLS',
      retryAfterMs: 20,
    });
    expect(await serves()).toBe(true);
    const bye = goodbye(over);
    const flood = setInterval(() => {
      if (over.closed) clearInterval(flood);
      else for (let i = 0; i < 200; i += 1) call(over, 'GetStats').end(EMPTY).resume();
    }, 5);
    expect(await bye).toMatch(/^CALL_FLOOD: /);
    clearInterval(flood);
    await allIsGivenBack();
  });

  it('that watch are few for each address', async () => {
    const over = await session();
    for (let i = 0; i < LEAST_QUOTA.watches; i += 1)
      await once(call(over, 'WatchEvents').end(EMPTY), 'response');
    expect(await refusal(call(over, 'WatchEvents').end(EMPTY))).toMatchObject({
      code: 'exhausted',
      reason: 'TOO_MANY_WATCHES',
    });
    await once(call(await session('127.0.0.67'), 'WatchEvents').end(EMPTY), 'response');
    over.destroy();
    await waitFor(() => server.held('watches') === 1, { what: 'watches are given back' });
  });

  it.each([
    {
      what: 'with a compressed request',
      headers: { 'grpc-encoding': 'gzip' },
      reason: 'COMPRESSION_UNSUPPORTED',
    },
    { what: 'of an unknown method', headers: { ':path': `/${SERVICE}/Nothing` }, reason: 'UNIMPLEMENTED' },
    { what: 'with long headers', headers: { x: 'x'.repeat(9000) }, reason: 'HEADERS_TOO_LONG' },
    { what: 'that are not gRPC', headers: { 'content-type': 'text/html' }, reason: 'NOT_GRPC' },
  ])('$what are refused, and end the connection if there are many', async ({ headers, reason }) => {
    const over = await session();
    const bye = goodbye(over);
    const offend = (): ClientHttp2Stream => call(over, 'GetStats', headers).end(EMPTY);
    for (let i = 0; i < 10; i += 1) expect(await refusal(offend())).toMatchObject({ reason });
    offend();
    expect(await bye).toMatch(/^BAD_CALLS: /);
    expect(await serves()).toBe(true);
    await allIsGivenBack();
  });
});

describe('a stream before its hello', () => {
  it('may send little: more is refused, and ends the connection', async () => {
    const over = await session();
    const stream = call(over, 'Connect');
    const bye = goodbye(over);
    const refused = refusal(stream);
    // Messages of a later version, which have no meaning here.
    for (let i = 0; i < 17; i += 1) stream.write(message(Buffer.alloc(1019, 0)));
    expect(await refused).toMatchObject({ code: 'invalid', reason: 'BYTES_BEFORE_HELLO' });
    expect(await bye).toMatch(/^BYTES_BEFORE_HELLO: /);
    await allIsGivenBack();
  });

  it('makes room for another of its address with its hello, and may then send much', async () => {
    const over = await session();
    const streams = Array.from({ length: 40 }, () => call(over, 'Connect'));
    for (const stream of streams) stream.write(EMPTY);
    await waitFor(() => server.held('streams') === 40, { what: 'all have arrived' });
    expect(server.held('greetings')).toBe(LEAST_QUOTA.greetings);
    for (const stream of streams) stream.write(HELLO);
    await waitFor(() => greetings === 40, { what: 'all were greeted' });
    expect(server.held('greetings')).toBe(0);
    for (let i = 0; i < 100; i += 1) streams[0]?.write(message(Buffer.alloc(1019, 0)));
    expect(await serves()).toBe(true);
    expect(server.held('streams')).toBe(40);
    over.destroy();
    await allIsGivenBack();
  });
});

describe('frames that belong to no call', () => {
  it('end the connection if there are many', async () => {
    const over = await session();
    const bye = goodbye(over);
    const flood = setInterval(() => {
      if (over.closed) clearInterval(flood);
      else for (let i = 0; i < 5; i += 1) over.ping(() => undefined);
    }, 1);
    expect(await bye).toMatch(/^FRAME_FLOOD: /);
    clearInterval(flood);
    await allIsGivenBack();
  });
});

function message(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

const HELLO = message(Buffer.from([0x12, 0]));
