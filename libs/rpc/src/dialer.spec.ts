import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { Metrics } from '@enjambre/common/metrics/metrics';
import type { EnjambreError } from '@enjambre/core/error';
import { DAY_MS, MemberTls, TestNetwork } from '@enjambre/harness/trust';
import {
  ListFilesResponse,
  TrackerServiceClient,
  TrackerServiceService,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { callUnary } from './client.js';
import { MessageReader } from './codec/message-reader.js';
import { PLAINTEXT, type Credentials } from './credentials.js';
import { Dialer } from './dialer.js';
import { HandlerFactory } from './handlers.js';
import { GrpcServer } from './server.js';
import { tlsCredentials } from './tls-credentials.js';

const log = createLogger({ name: 'test', level: 'silent' });
const network = await TestNetwork.create();
const another = await TestNetwork.create('other');
const TLS = tlsCredentials(new MemberTls(await network.member({ role: 'tracker' })));
const AGENT = tlsCredentials(new MemberTls(await network.member()));
const REQUEST = { query: '', pageSize: 0, pageToken: '', exactName: false, publisher: '' };
const NEXT = 'the next page';

const cleanup: (() => unknown)[] = [];
/** Calls that reached a handler. */
let served = 0;

afterEach(async () => {
  served = 0;
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A server with the given credentials. Returns its address. */
async function serve(secured: Credentials, listen = parseAddress('127.0.0.1:0')): Promise<string> {
  const handlers = new HandlerFactory({ domain: 'test', log });
  const implementation = {
    listFiles: handlers.unary(() => {
      served += 1;
      return { files: [], nextPageToken: NEXT };
    }),
  };
  const name = 'enjambre.tracker.v1.TrackerService';
  const services = [{ name, definition: TrackerServiceService, implementation }];
  const server = new GrpcServer({ listen, credentials: secured, services, log, graceMs: 50 });
  await server.start();
  cleanup.push(() => server.stop());
  return formatAddress(server.address);
}

async function askByClient(dialer: Dialer, address: string): Promise<string> {
  const client = dialer.client(TrackerServiceClient, address, 'tracker');
  cleanup.push(() => client.close());
  return (await callUnary(client.listFiles.bind(client), REQUEST)).nextPageToken;
}

function askByChannel(dialer: Dialer, address: string): Promise<string> {
  const channel = dialer.channel(address, 'tracker');
  cleanup.push(() => channel.close());
  return new Promise((resolve, reject) => {
    let answer = '';
    const reader = new MessageReader({
      maxBytes: 1000,
      message: (bytes) => (answer = ListFilesResponse.decode(bytes).nextPageToken),
    });
    const ended = (error: EnjambreError | undefined): void => {
      if (error) reject(error);
      else resolve(answer);
    };
    const stream = channel.open({ method: TrackerServiceService.listFiles, reader, ended });
    stream.write(REQUEST);
    stream.end();
  });
}

async function askBySession(dialer: Dialer, address: string): Promise<string> {
  const session = dialer.session(address, 'tracker');
  cleanup.push(() => session.destroy());
  const failed = new Promise<never>((_, reject) => {
    session.on('error', reject);
    session.on('close', () => reject(new Error('the session ended')));
  });
  failed.catch(() => undefined);
  const { path, requestSerialize } = TrackerServiceService.listFiles;
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stream.on('error', () => undefined);
  const message = requestSerialize(REQUEST);
  const prefix = Buffer.from([0, 0, 0, 0, message.length]);
  stream.end(Buffer.concat([prefix, message]));
  const [part] = (await Promise.race([once(stream, 'data'), failed])) as [Buffer];
  return ListFilesResponse.decode(part.subarray(5)).nextPageToken;
}

const ways = [
  ['a client of grpc-js', askByClient],
  ['a channel of our own client', askByChannel],
  ["a session of Node's client", askBySession],
] as const;

describe.each(ways)('%s', (_, ask) => {
  it.each([
    ['in the clear', PLAINTEXT, PLAINTEXT],
    ['over TLS', AGENT, TLS],
  ])('reaches a server %s, as the credentials say', async (_how, ours, its) => {
    expect(await ask(new Dialer({ credentials: ours }), await serve(its))).toBe(NEXT);
  });

  it.each([
    ['another role', async () => network.member({ role: 'messaging' })],
    ['another network', async () => another.member({ role: 'tracker' })],
    [
      'a time that is over',
      async () => network.member({ role: 'tracker', issuedAt: Date.now() - DAY_MS, ttlMs: 1000 }),
    ],
    ['a time to come', async () => network.member({ role: 'tracker', issuedAt: Date.now() + DAY_MS })],
  ])('sends nothing to a server whose certificate is for %s', async (_what, member) => {
    const credentials = tlsCredentials(new MemberTls(await member()));
    const address = await serve(credentials);
    await expect(ask(new Dialer({ credentials: AGENT }), address)).rejects.toThrow();
    expect(served).toBe(0);
  });

  it('gets no plaintext answer from a server that expects TLS', async () => {
    await expect(ask(new Dialer({ credentials: PLAINTEXT }), await serve(TLS))).rejects.toThrow();
  });
});

it('serves and dials a unix socket in plaintext, with any credentials', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enjambre-dialer-'));
  cleanup.push(() => rm(folder, { recursive: true }));
  const address = await serve(TLS, parseAddress(`unix:${join(folder, 'socket')}`));
  expect(await askByClient(new Dialer({ credentials: TLS }), address)).toBe(NEXT);
  expect(await askByClient(new Dialer({ credentials: PLAINTEXT }), address)).toBe(NEXT);
});

it('counts the calls of clients and channels alike', async () => {
  const metrics = new Metrics();
  const dialer = new Dialer({ credentials: PLAINTEXT, metrics });
  const address = await serve(PLAINTEXT);
  await askByClient(dialer, address);
  await askByChannel(dialer, address);
  expect(await metrics.page()).toMatch(
    /^grpc_client_handled_total\{.*grpc_method="ListFiles".*grpc_code="OK".*\} 2$/m,
  );
});
