import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { formatAddress, parseAddress, parseTcpAddress } from '@enjambre/common/config/address';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import type { EnjambreError } from '@enjambre/core/error';
import type { CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import { DAY_MS, MemberTls, TestNetwork, type Holder, type Member } from '@enjambre/harness/trust';
import { waitFor } from '@enjambre/harness/wait-for';
import { HealthClient } from '@enjambre/proto/gen/grpc/health/v1/health';
import {
  ListFilesResponse,
  TrackerServiceClient,
  TrackerServiceService,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { certifiedCaller } from './caller.js';
import { callUnary } from './client.js';
import { MessageReader } from './codec/message-reader.js';
import { PLAINTEXT, type Credentials, type Expected } from './credentials.js';
import { Dialer } from './dialer.js';
import { HandlerFactory } from './handlers.js';
import { streamOf } from './gate/grpc-internals.js';
import { keyShownTo, serverKeyOf } from './server-key.js';
import { GrpcServer } from './server.js';
import { tlsCredentials } from './tls-credentials.js';

const NAME = 'enjambre.tracker.v1.TrackerService';
const REQUEST = { query: '', pageSize: 0, pageToken: '', exactName: false, publisher: '' };
const CLIENT_PEER = PeerIdentity.generate();
const SERVER_PEER = PeerIdentity.generate();

let network: TestNetwork;
let another: TestNetwork;
/** Another CA, for a network of the same name. */
let forged: TestNetwork;
let tls: MemberTls;
let address: string;
/** Of each caller, whether its connection resumed a TLS session. */
let resumed: boolean[] = [];
let callers: (CertifiedIdentity | undefined)[] = [];
/** Of each caller, the key that the server has shown to it. */
let shown: (string | undefined)[] = [];
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  [network, another, forged] = await Promise.all([
    TestNetwork.create('test'),
    TestNetwork.create('other'),
    TestNetwork.create('test'),
  ]);
});

afterEach(async () => {
  callers = [];
  resumed = [];
  shown = [];
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function serve(holder: Holder = { role: 'tracker' }): Promise<void> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const handlers = new HandlerFactory({ domain: 'test', log });
  const answer = handlers.unary(() => ({ files: [], nextPageToken: 'answered' }));
  const implementation = {
    listFiles: (call: object, ...rest: unknown[]) => {
      callers.push(certifiedCaller(call));
      shown.push(keyShownTo(call)?.toString('hex'));
      resumed.push((streamOf(call)?.session?.socket as TLSSocket).isSessionReused());
      return Reflect.apply(answer, undefined, [call, ...rest]) as unknown;
    },
    getStats: answer,
  };
  const services = [{ name: NAME, definition: TrackerServiceService, implementation }];
  const listen = parseAddress('127.0.0.1:0');
  tls = new MemberTls(await network.member(holder));
  const server = new GrpcServer({ listen, credentials: tlsCredentials(tls), services, log, graceMs: 50 });
  await server.start();
  cleanup.push(() => server.stop());
  address = formatAddress(server.address);
}

/** The page token of an answered call. */
async function ask(secured: Credentials, expected: Expected = 'tracker'): Promise<string> {
  const client = new Dialer({ credentials: secured }).client(TrackerServiceClient, address, expected);
  try {
    return (await callUnary(client.listFiles.bind(client), REQUEST)).nextPageToken;
  } finally {
    client.close();
  }
}

/** The same by our own client. */
function askByChannel(secured: Credentials, expected: Expected): Promise<string> {
  const channel = new Dialer({ credentials: secured }).channel(address, expected);
  cleanup.push(() => channel.close());
  return new Promise((resolve, reject) => {
    let answer = '';
    const message = (bytes: Uint8Array): void =>
      void (answer = ListFilesResponse.decode(bytes).nextPageToken);
    const ended = (error: EnjambreError | undefined): void => {
      if (error) reject(error);
      else resolve(answer);
    };
    const reader = new MessageReader({ maxBytes: 1000, message });
    const stream = channel.open({ method: TrackerServiceService.listFiles, reader, ended });
    stream.write(REQUEST);
    stream.end();
  });
}

const as = (member: Member): Credentials => tlsCredentials(new MemberTls(member));

/** The key of the server, as the client of a call knows it. */
function keySeen(secured: Credentials): Promise<string | undefined> {
  const client = new Dialer({ credentials: secured }).client(TrackerServiceClient, address, 'tracker');
  cleanup.push(() => client.close());
  return new Promise((resolve, reject) => {
    const call = client.listFiles(REQUEST, (error) => {
      if (error) reject(error);
      else resolve(serverKeyOf(call)?.toString('hex'));
    });
  });
}

describe('a server with mutual TLS', () => {
  test('and its client know by which key it has proved itself, also after that was replaced', async () => {
    await serve();
    const client = as(await network.member());
    const first = await keySeen(client);
    tls.renew(await network.member({ role: 'tracker' }));
    const second = await keySeen(as(await network.member()));
    expect(first).toHaveLength(64);
    expect(second).not.toBe(first);
    expect(shown).toEqual([first, second]);
  });

  test('knows its client by its certificate', async () => {
    await serve();
    const peer = PeerIdentity.generate();
    expect(await ask(as(await network.member({ peer, names: ['web-1'] })))).toBe('answered');
    expect(callers).toEqual([{ network: 'test', role: 'agent', peerId: peer.peerId, names: ['web-1'] }]);
  });

  test.each([
    [
      'a certificate of another CA',
      async () => ({ ...(await forged.member()), ca: network.ca }),
      'no CA of this network has signed your certificate',
    ],
    [
      'a certificate that expired',
      () => network.member({ issuedAt: Date.now() - DAY_MS, ttlMs: 3_600_000 }),
      /^your certificate expired at .* ago by the clock of this server: renew it$/,
    ],
    [
      'a certificate of tomorrow',
      () => network.member({ issuedAt: Date.now() + DAY_MS }),
      /^your certificate is not valid before .*, and the clock of this server says .*: check the clock, here and there$/,
    ],
  ])('tells a client with %s why it may not call', async (_, member, why) => {
    await serve();
    await expect(ask(as(await member()))).rejects.toMatchObject({
      code: 'unauthenticated',
      reason: 'NO_CERTIFICATE',
      message: typeof why === 'string' ? expect.stringContaining(why) : expect.stringMatching(why),
    });
    expect(callers).toEqual([]);
  });

  test('tells a client with the wrong role which one is needed', async () => {
    await serve({ role: 'tracker' });
    const viewer = as(await network.member({ role: 'viewer' }));
    const client = new Dialer({ credentials: viewer }).client(TrackerServiceClient, address, 'tracker');
    cleanup.push(() => client.close());
    const [error] = (await once(client.connect(), 'error')) as [Error];
    expect(error).toMatchObject({
      code: 7,
      details: 'a certificate with the role viewer does not allow this call: use one with the role agent',
    });
  });

  test('answers the health, and nothing else, to a client without a certificate', async () => {
    await serve();
    const anonymous: ChannelCredentials = credentials.createSsl(Buffer.from(network.ca), null, null, {
      checkServerIdentity: () => undefined,
    });
    const options = { 'grpc.ssl_target_name_override': 'enjambre' };
    const health = new HealthClient(address, anonymous, options);
    const tracker = new TrackerServiceClient(address, anonymous, options);
    cleanup.push(
      () => health.close(),
      () => tracker.close(),
    );
    expect(await callUnary(health.check.bind(health), { service: '' })).toEqual({ status: 1 });
    for (const call of [
      callUnary(tracker.listFiles.bind(tracker), REQUEST),
      callUnary(tracker.getStats.bind(tracker), {}),
    ])
      await expect(call).rejects.toMatchObject({
        reason: 'NO_CERTIFICATE',
        message: expect.stringContaining('this network requires TLS with a certificate'),
      });
    expect(callers).toEqual([]);
  });

  test.each([
    ['an older version of TLS', { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }],
    ['no HTTP/2', {}],
    ['HTTP/1.1 only', { ALPNProtocols: ['http/1.1'] }],
  ] as const)('ends the connection of a client with %s', async (_, options) => {
    await serve();
    const { host, port } = parseTcpAddress(address);
    const socket: TLSSocket = connect({
      host,
      port,
      ca: network.ca,
      checkServerIdentity: () => undefined,
      ...options,
    });
    socket.on('error', () => undefined);
    await new Promise((closed) => socket.once('close', closed));
  });

  test('tells a client without TLS that it needs one', async () => {
    await serve();
    const why = { reason: 'TLS_REQUIRED', message: expect.stringContaining('this server requires TLS') };
    await expect(ask(PLAINTEXT)).rejects.toMatchObject(why);
    await expect(askByChannel(PLAINTEXT, 'tracker')).rejects.toMatchObject(why);
    expect(callers).toEqual([]);
  });

  test('ends a connection of another protocol', async () => {
    await serve();
    const { host, port } = parseTcpAddress(address);
    const socket = connectTcp({ host, port }, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    socket.on('error', () => undefined).resume();
    await new Promise((closed) => socket.once('close', closed));
  });

  test('uses a new certificate for new connections, and keeps the open ones', async () => {
    await serve();
    const member = await network.member();
    const client = new Dialer({ credentials: as(member) }).client(TrackerServiceClient, address, 'tracker');
    cleanup.push(() => client.close());
    await callUnary(client.listFiles.bind(client), REQUEST);
    tls.renew({ ...(await another.member({ role: 'tracker' })) });
    expect((await callUnary(client.listFiles.bind(client), REQUEST)).nextPageToken).toBe('answered');
    await expect(ask(as(member))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await ask(as(await another.member()))).toBe('answered');
  });
});

describe('a client with mutual TLS', () => {
  test('uses a new certificate for new connections of its clients', async () => {
    await serve();
    const own = new MemberTls(await another.member());
    const secured = tlsCredentials(own);
    await expect(ask(secured)).rejects.toMatchObject({ code: 'unavailable' });
    own.renew(await network.member());
    expect(await ask(secured)).toBe('answered');
  });

  test('reaches one agent by its peer id, and no other at the same address', async () => {
    await serve({ role: 'agent', peer: SERVER_PEER });
    const secured = as(await network.member());
    expect(await ask(secured, { peerId: SERVER_PEER.peerId })).toBe('answered');
    const stranger = PeerIdentity.generate().peerId;
    await expect(ask(secured, { peerId: stranger })).rejects.toThrow(
      `is peer ${SERVER_PEER.peerId.slice(0, 8)}, not peer ${stranger.slice(0, 8)}`,
    );
    await expect(ask(secured, 'tracker')).rejects.toThrow('the server has the role agent, not tracker');
  });

  test('resumes its sessions, with the same proof', async () => {
    await serve({ role: 'agent', peer: SERVER_PEER });
    const secured = as(await network.member({ peer: CLIENT_PEER }));
    const { host, port } = parseTcpAddress(address);
    const open = async (expected: Expected): Promise<TLSSocket> => {
      const socket = secured.connect({ host, port }, expected);
      if (!(socket instanceof TLSSocket)) throw new Error('the socket has no TLS');
      cleanup.push(() => socket.destroy());
      await once(socket, 'secureConnect');
      return socket;
    };
    const first = await open({ peerId: SERVER_PEER.peerId });
    expect(first.isSessionReused()).toBe(false);
    await once(first, 'session');
    const second = await open({ peerId: SERVER_PEER.peerId });
    expect(second.isSessionReused()).toBe(true);
    expect(await askByChannel(secured, { peerId: SERVER_PEER.peerId })).toBe('answered');
    expect(callers).toEqual([expect.objectContaining({ role: 'agent', peerId: CLIENT_PEER.peerId })]);
    expect(resumed).toEqual([true]);
    await expect(open({ peerId: PeerIdentity.generate().peerId })).rejects.toThrow('is peer');
  });

  test('does not send its first bytes to a server that it does not know', async () => {
    await serve({ role: 'agent', peer: SERVER_PEER });
    const dialer = new Dialer({ credentials: as(await network.member()) });
    const channel = dialer.channel(address, { peerId: PeerIdentity.generate().peerId });
    cleanup.push(() => channel.close());
    await waitFor(() => !channel.isOpen, { what: 'the end of the connection' });
    expect(callers).toEqual([]);
  });
});

test('a connection that never begins its handshake holds up nobody', async () => {
  await serve();
  const { host, port } = parseTcpAddress(address);
  const silent = connectTcp({ host, port });
  cleanup.push(() => silent.destroy());
  await once(silent, 'connect');
  expect(await ask(as(await network.member()))).toBe('answered');
});
