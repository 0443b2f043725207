import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthClient,
} from '@enjambre/proto/gen/grpc/health/v1/health';
import {
  TrackerServiceClient,
  TrackerServiceService,
  type GetStatsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { formatAddress, parseAddress, type Address } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { callUnary, readStream } from './client.js';
import { dialer } from '@enjambre/harness/dialer';
import { PLAINTEXT } from './credentials.js';
import { HandlerFactory } from './handlers.js';
import { LIVENESS } from './health.js';
import { GrpcServer, type GrpcServerOptions, type ServedService } from './server.js';

const SERVICE = 'enjambre.tracker.v1.TrackerService';
const log = createLogger({ name: 'test', level: 'silent' });
const NO_STATS: Omit<GetStatsResponse, 'version'> = {
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
const LOCAL = parseAddress('127.0.0.1:0');

let folder: string;
const servers: GrpcServer[] = [];
const clients: { close(): void }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-server-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true });
});

/** A service whose GetStats answers when `answer` resolves. */
function served(answer = Promise.resolve()): ServedService {
  const handlers = new HandlerFactory({ domain: 'test', log });
  const implementation = {
    getStats: handlers.unary(async () => {
      await answer;
      return { ...NO_STATS, version: 'it works' };
    }),
    listFiles: handlers.unary(() => ({ files: [], nextPageToken: '' })),
  };
  return { name: SERVICE, definition: TrackerServiceService, implementation };
}

async function start(
  listen: Address,
  options: Partial<GrpcServerOptions> = {},
  answer = Promise.resolve(),
): Promise<GrpcServer> {
  const server = new GrpcServer({
    listen,
    credentials: PLAINTEXT,
    log,
    graceMs: 50,
    services: [served(answer)],
    ...options,
  });
  servers.push(server);
  await server.start();
  return server;
}

function client(address: Address): TrackerServiceClient {
  const made = dialer.client(TrackerServiceClient, formatAddress(address), 'tracker', {
    'grpc.use_local_subchannel_pool': 1,
  });
  clients.push(made);
  return made;
}

function health(address: Address): HealthClient {
  const made = dialer.client(HealthClient, formatAddress(address), 'member', {
    'grpc.use_local_subchannel_pool': 1,
  });
  clients.push(made);
  return made;
}

async function versionAt(address: Address): Promise<string> {
  const tracker = client(address);
  return (await callUnary(tracker.getStats.bind(tracker), {})).version;
}

describe('GrpcServer', () => {
  it('reports the port that the system chose', async () => {
    const { address } = await start(LOCAL);
    expect(address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
    expect(await versionAt(address)).toBe('it works');
  });

  it('reports a port in use, with its number', async () => {
    const { address } = await start(LOCAL);
    await expect(start(address)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'PORT_IN_USE',
      message: `${formatAddress(address)} is in use by another program: choose another`,
      metadata: { setting: 'listen' },
    });
    expect(await versionAt(address)).toBe('it works');
  });

  it.each([
    ['192.0.2.1:0', '192.0.2.1:0 is not an address of this machine: choose another'],
    ['no-such-host.invalid:0', 'cannot resolve the host of no-such-host.invalid:0: choose another'],
    [
      'unix:/dev/null/s',
      'cannot create a socket at /dev/null/s, whose folder is missing or not writable: choose another',
    ],
  ])('reports why it cannot listen on %s', async (listen, message) => {
    await expect(start(parseAddress(listen))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'CANNOT_LISTEN',
      message,
      metadata: { setting: 'listen' },
    });
  });

  it('names the setting to change', async () => {
    const { address } = await start(LOCAL);
    await expect(start(address, { listenSetting: 'control' })).rejects.toMatchObject({
      message: expect.stringMatching(/: choose another$/) as unknown as string,
      metadata: { setting: 'control' },
    });
  });

  it('reserves its address before the start, and calls wait until it starts', async () => {
    const server = new GrpcServer({
      listen: LOCAL,
      credentials: PLAINTEXT,
      log,
      graceMs: 50,
      services: [served()],
    });
    servers.push(server);
    await server.reserve();
    let answered = false;
    const answer = versionAt(server.address).then((version) => {
      answered = true;
      return version;
    });
    await expect(start(server.address)).rejects.toMatchObject({ reason: 'PORT_IN_USE' });
    expect(answered).toBe(false);
    await server.start();
    expect(await answer).toBe('it works');
  });

  it('creates a socket for its owner only, and removes it on stop', async () => {
    const path = join(folder, 's.sock');
    const server = await start({ kind: 'unix', path });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await versionAt(server.address)).toBe('it works');
    await server.stop();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes over the socket of a killed process', async () => {
    const path = join(folder, 's.sock');
    const holder = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', holder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect((await stat(path)).isSocket()).toBe(true);
    expect(await versionAt((await start({ kind: 'unix', path })).address)).toBe('it works');
  });

  it('does not take over the socket of a running process, or a file', async () => {
    const path = join(folder, 's.sock');
    const holder = createServer().listen(path);
    await once(holder, 'listening');
    await expect(start({ kind: 'unix', path })).rejects.toMatchObject({ reason: 'PORT_IN_USE' });
    expect((await stat(path)).isSocket()).toBe(true);
    await new Promise((resolve) => holder.close(resolve));
    await writeFile(path, 'precious');
    await expect(start({ kind: 'unix', path })).rejects.toMatchObject({ reason: 'PORT_IN_USE' });
    expect((await stat(path)).size).toBe(8);
  });

  it('refuses a message over its limit', async () => {
    const { address } = await start(LOCAL, { maxReceiveBytes: 1000 });
    const tracker = client(address);
    const list = (query: string) =>
      callUnary(tracker.listFiles.bind(tracker), {
        query,
        pageSize: 0,
        pageToken: '',
        exactName: false,
        publisher: '',
      });
    expect(await list('q'.repeat(900))).toMatchObject({ files: [] });
    await expect(list('q'.repeat(1001))).rejects.toMatchObject({ code: 'exhausted' });
  });

  it('is healthy while it serves, knows only its own services, and reports when it stops serving', async () => {
    const server = await start(LOCAL, { graceMs: 2000 });
    const checks = health(server.address);
    const check = async (service: string) => (await callUnary(checks.check.bind(checks), { service })).status;
    expect(await check('')).toBe(Serving.SERVING);
    expect(await check(SERVICE)).toBe(Serving.SERVING);
    await expect(check('no.such.Service')).rejects.toMatchObject({ code: 'not-found' });
    const told: Serving[] = [];
    const watching = (async () => {
      for await (const { status } of readStream(checks.watch({ service: SERVICE }))) {
        told.push(status);
        if (status === Serving.SERVING) void server.stop();
        else return;
      }
    })();
    await watching;
    expect(told).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  });

  it('is alive even while it is not ready', async () => {
    const server = await start(LOCAL);
    const checks = health(server.address);
    server.setServing(false);
    const check = async (service: string) => (await callUnary(checks.check.bind(checks), { service })).status;
    expect([await check(''), await check(LIVENESS)]).toEqual([Serving.NOT_SERVING, Serving.SERVING]);
  });

  it('lets open calls finish when it stops, and accepts no new ones', async () => {
    let answer: () => void = () => undefined;
    const server = await start(LOCAL, { graceMs: 5000 }, new Promise((resolve) => (answer = resolve)));
    const tracker = client(server.address);
    const open = callUnary(tracker.getStats.bind(tracker), {});
    await callUnary(tracker.listFiles.bind(tracker), {
      query: '',
      pageSize: 0,
      pageToken: '',
      exactName: false,
      publisher: '',
    }); // It has arrived by now.
    const stopped = server.stop();
    await expect(versionAt(server.address)).rejects.toMatchObject({ code: 'unavailable' });
    answer();
    expect((await open).version).toBe('it works');
    await stopped;
  });

  it.each([
    ['on a port', () => LOCAL],
    ['on any address', () => parseAddress(':0')],
    ['on a socket', () => parseAddress(`unix:${join(folder, 's.sock')}`)],
  ])('ends calls %s that do not finish in time, and notifies their handlers', async (_, listen) => {
    let aborted: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (aborted = resolve));
    const handlers = new HandlerFactory({ domain: 'test', log });
    let begun: () => void = () => undefined;
    const began = new Promise<void>((resolve) => (begun = resolve));
    const getStats = handlers.unary((_, { signal }) => {
      signal.addEventListener('abort', aborted);
      begun();
      return new Promise<never>(() => undefined);
    });
    const services = [{ name: SERVICE, definition: TrackerServiceService, implementation: { getStats } }];
    const server = await start(listen(), { services });
    const { address } = server;
    const tracker = client(address.kind === 'tcp' ? { ...address, host: '127.0.0.1' } : address);
    callUnary(tracker.getStats.bind(tracker), {}).catch(() => undefined);
    await began;
    const stoppingMs = performance.now();
    await server.stop();
    await gone;
    expect(performance.now() - stoppingMs).toBeLessThan(1000);
  });

  it('can be stopped twice, before it was started, and after a failed start', async () => {
    const server = await start(LOCAL);
    const other = new GrpcServer({ listen: server.address, credentials: PLAINTEXT, services: [], log });
    await other.stop();
    await expect(other.start()).rejects.toMatchObject({ reason: 'PORT_IN_USE' });
    await other.stop();
    await Promise.all([server.stop(), server.stop()]);
  });
});
