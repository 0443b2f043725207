import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthClient,
  HealthService,
} from '@enjambre/proto/gen/grpc/health/v1/health';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { Metrics } from '@enjambre/common/metrics/metrics';
import { dialer } from '@enjambre/harness/dialer';
import { Strangers } from '@enjambre/harness/strangers';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { waitFor } from '@enjambre/harness/wait-for';
import type { EnjambreError } from '@enjambre/core/error';
import { callUnary } from '../client.js';
import { MessageReader } from '../codec/message-reader.js';
import { PLAINTEXT } from '../credentials.js';
import { PREFACE } from '../http2/frames.js';
import { GrpcServer } from '../server.js';
import { SERVICE_LIMITS } from './limits.js';

const log = createLogger({ name: 'test', level: 'silent' });
/** A party may have 64 connections. */
const limits = { ...SERVICE_LIMITS, connections: 100, connectionsPerSecond: 400 };
const STRANGER = '127.0.0.66';

let server: GrpcServer;
let clock: VirtualClock;
let metrics: Metrics;
const strangers = new Strangers(() => server.address);

beforeEach(async () => {
  clock = new VirtualClock();
  metrics = new Metrics();
  const listen = parseAddress('127.0.0.1:0');
  server = new GrpcServer({
    listen,
    credentials: PLAINTEXT,
    services: [],
    log,
    limits,
    clock,
    metrics,
    graceMs: 50,
  });
  await server.start();
});

afterEach(async () => {
  strangers.stop();
  await server.stop();
});

async function serves(): Promise<boolean> {
  const client = dialer.client(HealthClient, formatAddress(server.address), 'member', {
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    return (await callUnary(client.check.bind(client), { service: '' })).status === Serving.SERVING;
  } finally {
    client.close();
  }
}

/** Opens the connections that a party may have. */
async function fill(from: string): Promise<void> {
  await Promise.all(Array.from({ length: 64 }, () => strangers.socket(from)));
  await waitFor(() => server.held('connections') === 64, { what: 'connections are open' });
}

/** All that the server says until it ends the connection. */
function heardBy(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  return new Promise((resolve) => {
    socket.on('close', () => {
      resolve(Buffer.concat(parts));
    });
  });
}

describe('the connections of a server', () => {
  it('are refused to an address that has its quota, while others are served', async () => {
    await fill(STRANGER);
    const heard = await heardBy(await strangers.socket(STRANGER));
    expect(heard.toString('latin1')).toContain(
      'TOO_MANY_CONNECTIONS: your address has too many open connections: try again after 5s',
    );
    expect(await serves()).toBe(true);
    strangers.stop();
    await waitFor(() => server.held('connections') <= 1, { what: 'connections are closed' });
    expect(await metrics.page()).toContain(
      'enjambre_server_refusals_total{what="connection",reason="TOO_MANY_CONNECTIONS"} 1',
    );
  });

  it('are refused with a status that a client of grpc-js reports', async () => {
    await fill('127.0.0.1');
    const client = dialer.client(HealthClient, formatAddress(server.address), 'member', {
      'grpc.use_local_subchannel_pool': 1,
    });
    await expect(callUnary(client.check.bind(client), { service: '' })).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'TOO_MANY_CONNECTIONS',
      retryAfterMs: 5000,
    });
    client.close();
  });

  it('are refused with a status that a client of ours reports', async () => {
    await fill('127.0.0.1');
    const channel = dialer.channel(formatAddress(server.address), 'tracker');
    const error = await new Promise<EnjambreError | undefined>((ended) => {
      const reader = new MessageReader({ maxBytes: 1000, message: () => undefined });
      const stream = channel.open({ method: HealthService.watch, reader, ended });
      stream.write({ service: '' });
    });
    expect(error).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_CONNECTIONS' });
    channel.close();
  });

  it('are refused to an address that opens them too fast', async () => {
    let refused = 0;
    for (let i = 0; i < 130; i += 1) {
      const socket = await strangers.socket(STRANGER);
      socket.destroy();
      await once(socket, 'close');
      const page = await metrics.page();
      refused = Number(/reason="TOO_MANY_CONNECTIONS"} (\d+)/.exec(page)?.[1] ?? 0);
    }
    await waitFor(() => server.held('connections') === 0, { what: 'all are closed' });
    // 20 a second, saved for five seconds.
    expect(refused).toBeGreaterThan(20);
    expect(await serves()).toBe(true);
    await clock.advance(1000);
    const socket = await strangers.socket(STRANGER);
    await waitFor(() => server.held('connections') === 1, { what: 'it is admitted' });
    socket.destroy();
  });

  it('are closed if no stream is opened for ten seconds, even if half of a preface arrives', async () => {
    const silent = heardBy(await strangers.socket(STRANGER));
    const slow = await strangers.socket(STRANGER);
    slow.write(PREFACE.subarray(0, 10));
    const dripping = heardBy(slow);
    expect(await serves()).toBe(true);
    await waitFor(() => server.held('connections') === 2, { what: 'two are open' });
    await clock.advance(9000);
    expect(server.held('connections')).toBe(2);
    await clock.advance(2000);
    await Promise.all([silent, dripping]);
    await waitFor(() => server.held('connections') === 0, { what: 'all are closed' });
  });

  it('stay open once a call was made', async () => {
    const client = dialer.client(HealthClient, formatAddress(server.address), 'member');
    await callUnary(client.check.bind(client), { service: '' });
    await clock.advance(20_000);
    expect(server.held('connections')).toBe(1);
    client.close();
  });

  it('cost a refused client that sends rubbish or nothing no more than a second', async () => {
    await fill(STRANGER);
    const rubbish = await strangers.socket(STRANGER);
    rubbish.write(Buffer.alloc(100_000, 'x'));
    await heardBy(rubbish);
    await heardBy(await strangers.socket(STRANGER));
  });
});
