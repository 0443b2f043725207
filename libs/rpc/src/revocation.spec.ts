import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { revoke } from '@enjambre/common/trust/revoke';
import type { PeerId } from '@enjambre/core/ids';
import { MemberTls, TestNetwork, type Holder } from '@enjambre/harness/trust';
import { waitFor } from '@enjambre/harness/wait-for';
import {
  TrackerServiceClient,
  TrackerServiceService,
  type ConnectRequest,
  type ConnectResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import { MessageReader } from './codec/message-reader.js';
import { Dialer } from './dialer.js';
import { HandlerFactory } from './handlers.js';
import { GrpcServer } from './server.js';
import { fromServiceError } from './status.js';
import { tlsCredentials } from './tls-credentials.js';

const NAME = 'enjambre.tracker.v1.TrackerService';
const SOON = { timeoutMs: 10_000 };

let network: TestNetwork;
let folder: string;
let tls: MemberTls;
let address: string;
const cleanup: (() => unknown)[] = [];

beforeEach(async () => {
  network = await TestNetwork.create('test');
  folder = await mkdtemp(join(tmpdir(), 'enjambre-revocation-'));
  cleanup.push(() => rm(folder, { recursive: true }));
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function serve(holder: Holder = { role: 'tracker' }): Promise<void> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const handlers = new HandlerFactory({ domain: 'test', log });
  const implementation = {
    connect: (call: ServerDuplexStream<unknown, unknown>) => {
      call.on('error', () => undefined).on('data', () => undefined);
      call.write({ message: { $case: 'challenge', value: { nonce: new Uint8Array(32) } } });
    },
    listFiles: handlers.unary(() => ({ files: [], nextPageToken: 'answered' })),
  };
  const services = [{ name: NAME, definition: TrackerServiceService, implementation }];
  tls = new MemberTls(await network.member(holder));
  const listen = parseAddress('127.0.0.1:0');
  const server = new GrpcServer({ listen, credentials: tlsCredentials(tls), services, log, graceMs: 50 });
  await server.start();
  cleanup.push(() => server.stop());
  address = formatAddress(server.address);
}

/** The list of the CA with one more peer. */
async function listWith(peer: PeerId): Promise<string> {
  const entry = { peer, revokedAt: Date.now(), expiresAt: Date.now() + 3_600_000 };
  await revoke(network.inFolder(folder), [entry], Date.now());
  return readFile(join(folder, 'revoked.json'), 'utf8');
}

interface Stream {
  readonly call: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  readonly messages: ConnectResponse[];
  error: unknown;
}

function open(client: TrackerServiceClient): Stream {
  const stream: Stream = { call: client.connect(), messages: [], error: undefined };
  stream.call.on('data', (message: ConnectResponse) => stream.messages.push(message));
  stream.call.on('error', (error) => (stream.error = fromServiceError(error)));
  return stream;
}

function clientOf(own: MemberTls): TrackerServiceClient {
  const dialer = new Dialer({ credentials: tlsCredentials(own) });
  const client = dialer.client(TrackerServiceClient, address, 'tracker');
  cleanup.push(() => client.close());
  return client;
}

test('a server ends the streams of a client whose key is revoked, and no others, and says why', async () => {
  await serve();
  const [bad, good] = [PeerIdentity.generate(), PeerIdentity.generate()];
  const [badTls, goodTls] = await Promise.all(
    [bad, good].map(async (peer) => new MemberTls(await network.member({ peer }))),
  );
  const streams = [open(clientOf(badTls as MemberTls)), open(clientOf(goodTls as MemberTls))] as const;
  await waitFor(() => streams.every(({ messages }) => messages.length === 1), { what: 'the streams' });
  tls.revocations.take(await listWith(bad.peerId));
  await waitFor(() => streams[0].error !== undefined, { what: 'the end of the stream', ...SOON });
  const why = {
    code: 'unauthenticated',
    reason: 'CERTIFICATE_REVOKED',
    message: expect.stringMatching(/^your certificate was revoked at .*: ask for a new join token/),
  };
  expect(streams[0].error).toMatchObject(why);
  const again = open(clientOf(badTls as MemberTls));
  await waitFor(() => again.error !== undefined, { what: 'the refusal', ...SOON });
  expect(again.error).toMatchObject(why);
  expect(streams[1].error).toBeUndefined();
});

test('a client leaves a server whose certificate is revoked, and does not come back', async () => {
  await serve();
  const own = new MemberTls(await network.member());
  const stream = open(clientOf(own));
  await waitFor(() => stream.messages.length === 1, { what: 'the stream' });
  const { serialNumber } = new X509Certificate(tls.current.cert);
  const entry = { serial: serialNumber.toLowerCase(), revokedAt: Date.now(), expiresAt: Date.now() + 60_000 };
  await revoke(network.inFolder(folder), [entry], Date.now());
  own.revocations.take(await readFile(join(folder, 'revoked.json'), 'utf8'));
  await waitFor(() => stream.error !== undefined, { what: 'the end of the stream', ...SOON });
  const again = open(clientOf(own));
  await waitFor(() => again.error !== undefined, { what: 'the refusal', ...SOON });
  expect(again.error).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('the certificate of the server was revoked at'),
  });
});

test('our own client leaves a revoked peer', async () => {
  const peer = PeerIdentity.generate();
  await serve({ peer });
  const own = new MemberTls(await network.member());
  const dialer = new Dialer({ credentials: tlsCredentials(own) });
  const expected = { peerId: peer.peerId };
  const ends: (Error | undefined)[] = [];
  let answers = 0;
  const stream = (): void => {
    const channel = dialer.channel(address, expected);
    cleanup.push(() => channel.close());
    const reader = new MessageReader({ maxBytes: 1000, message: () => (answers += 1) });
    const ended = (error: Error | undefined): void => void ends.push(error);
    channel.open({ method: TrackerServiceService.connect, reader, ended });
  };
  stream();
  await waitFor(() => answers === 1, { what: 'the stream' });
  own.revocations.take(await listWith(peer.peerId));
  await waitFor(() => ends.length === 1, { what: 'the end of the stream', ...SOON });
  stream();
  await waitFor(() => ends.length === 2, { what: 'the refusal', ...SOON });
  expect(ends[1]?.message).toContain('the certificate of the server was revoked at');
});

test('a stream ends when the certificate of its client expires, unless the client has renewed', async () => {
  await serve();
  const peers = [PeerIdentity.generate(), PeerIdentity.generate()] as const;
  const short = (peer: PeerIdentity) => network.member({ peer, ttlMs: 5000 });
  const own = [new MemberTls(await short(peers[0])), new MemberTls(await short(peers[1]))] as const;
  const streams = own.map((each) => open(clientOf(each)));
  await waitFor(() => streams.every(({ messages }) => messages.length === 1), { what: 'the streams' });
  own[1].renew(await network.member({ peer: peers[1] }));
  await waitFor(() => streams[0]?.error !== undefined, { what: 'the end of the stream', timeoutMs: 20_000 });
  expect(streams[0]?.error).toMatchObject({
    code: 'unauthenticated',
    reason: 'NO_CERTIFICATE',
    message: expect.stringMatching(/^your certificate expired at .*renew it$/),
  });
  // The other had the same certificate, as old.
  await waitFor(() => Date.now() > own[0].current.notAfter.getTime() + 3000, { what: 'the time' });
  expect(streams[1]?.error).toBeUndefined();
});
