import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { MemberTls, TestNetwork, type Member } from '@enjambre/harness/trust';
import { waitFor } from '@enjambre/harness/wait-for';
import { TrackerServiceClient, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { certifiedCaller } from './caller.js';
import { callUnary } from './client.js';
import { MessageReader } from './codec/message-reader.js';
import { PLAINTEXT, type Credentials } from './credentials.js';
import { Dialer } from './dialer.js';
import { HandlerFactory } from './handlers.js';
import { preferTls } from './prefer-tls.js';
import { GrpcServer } from './server.js';
import { tlsCredentials } from './tls-credentials.js';

const NAME = 'enjambre.tracker.v1.TrackerService';
const REQUEST = { query: '', pageSize: 0, pageToken: '', exactName: false, publisher: '' };

let network: TestNetwork;
let forged: TestNetwork;
let address = '';
/** The role of each caller; "plaintext" without TLS. */
let callers: string[] = [];
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  [network, forged] = await Promise.all([TestNetwork.create('test'), TestNetwork.create('test')]);
});

afterEach(async () => {
  callers = [];
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function serve(credentials: Credentials): Promise<void> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const answer = new HandlerFactory({ domain: 'test', log }).unary(() => ({
    files: [],
    nextPageToken: 'yes',
  }));
  const listFiles = (call: object, ...rest: unknown[]): unknown => {
    callers.push(certifiedCaller(call)?.role ?? 'plaintext');
    return Reflect.apply(answer, undefined, [call, ...rest]) as unknown;
  };
  const services = [{ name: NAME, definition: TrackerServiceService, implementation: { listFiles } }];
  const server = new GrpcServer({
    listen: parseAddress('127.0.0.1:0'),
    credentials,
    services,
    log,
    graceMs: 50,
  });
  await server.start();
  cleanup.push(() => server.stop());
  address = formatAddress(server.address);
}

async function ask(credentials: Credentials): Promise<string> {
  const client = new Dialer({ credentials }).client(TrackerServiceClient, address, 'tracker');
  cleanup.push(() => client.close());
  return (await callUnary(client.listFiles.bind(client), REQUEST)).nextPageToken;
}

/** The same by our own client. */
function askByChannel(credentials: Credentials): Promise<string> {
  const channel = new Dialer({ credentials }).channel(address, 'tracker');
  cleanup.push(() => channel.close());
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const message = (): void => void (isAnswered = true);
    const ended = (error: Error | undefined): void => {
      if (error) reject(error);
      else resolve(isAnswered ? 'yes' : '');
    };
    const reader = new MessageReader({ maxBytes: 1000, message });
    const stream = channel.open({ method: TrackerServiceService.listFiles, reader, ended });
    stream.write(REQUEST);
    stream.end();
  });
}

const secured = (member: Member): Credentials => tlsCredentials(new MemberTls(member));
const preferring = (member: Member): Credentials => preferTls(secured(member));
const eventually = (call: () => Promise<string>): Promise<true> =>
  waitFor(async () => (await call()) === 'yes', { what: 'an answer', everyMs: 20 });

test('a server that prefers TLS takes both, and knows the clients with a certificate', async () => {
  await serve(preferring(await network.member({ role: 'tracker' })));
  const member = await network.member();
  for (const credentials of [PLAINTEXT, secured(member), preferring(member)]) {
    expect(await ask(credentials)).toBe('yes');
    expect(await askByChannel(credentials)).toBe('yes');
  }
  expect(callers).toEqual(['plaintext', 'plaintext', 'agent', 'agent', 'agent', 'agent']);
});

test.each([
  ['grpc-js', ask],
  ['our client', askByChannel],
])('a client that prefers TLS falls back where the server has none, by %s', async (_, call) => {
  await serve(PLAINTEXT);
  const credentials = preferring(await network.member());
  await eventually(() => call(credentials).catch(() => 'not yet'));
  expect(callers).toEqual(['plaintext']);
});

test('a client that requires TLS does not fall back, and neither does one whose server cannot be trusted', async () => {
  await serve(PLAINTEXT);
  const member = await network.member();
  await expect(ask(secured(member))).rejects.toThrow('the server does not use TLS');
  await serve(preferring(await forged.member({ role: 'tracker' })));
  const credentials = preferring(member);
  for (const call of [ask, askByChannel, askByChannel])
    await expect(call(credentials)).rejects.toThrow('no CA that this program trusts');
  expect(callers).toEqual([]);
});

test('a server that requires TLS takes nothing else', async () => {
  await serve(secured(await network.member({ role: 'tracker' })));
  await expect(ask(PLAINTEXT)).rejects.toThrow('this server requires TLS');
  expect(callers).toEqual([]);
});
