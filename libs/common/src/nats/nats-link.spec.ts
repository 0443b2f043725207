import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '../log/logger.js';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { NatsLink, parseNatsUrl } from './nats-link.js';

const log = createLogger({ name: 'test', level: 'silent' });

describe('the address of NATS', () => {
  it.each([
    ['127.0.0.1:4222', { servers: ['nats://127.0.0.1:4222'] }],
    ['nats://a:1, tls://b:2', { servers: ['nats://a:1', 'tls://b:2'] }],
    ['nats://me:s%40fe@a:1', { servers: ['nats://a:1'], user: 'me', pass: 's@fe' }],
    ['nats://secret@a:1', { servers: ['nats://a:1'], token: 'secret' }],
  ])('is understood: %s', (url, meant) => {
    expect(parseNatsUrl(url)).toEqual(meant);
  });

  it.each(['', 'http://a:1', 'nats://', 'nats://a:x'])('is refused with the accepted forms: %j', (url) => {
    expect(() => parseNatsUrl(url)).toThrow(/write nats:\/\/HOST:PORT, or tls:\/\/HOST:PORT/);
  });
});

describe('the connection to NATS', () => {
  let server: NatsServer;
  let link: NatsLink;

  beforeEach(async () => {
    server = await NatsServer.start();
    link = new NatsLink({ log }, { url: server.url, name: 'test' });
  });

  afterEach(async () => {
    await link.stop();
    await server.stop();
  });

  it('reconnects after the server was killed, and notifies each time', async () => {
    let times = 0;
    link.onConnected(() => (times += 1));
    await link.start();
    expect(times).toBe(1);
    await server.kill();
    await waitFor(() => !link.connected, { what: 'the loss to be noticed' });
    expect(() => link.connection).toThrow(/is unreachable: try again/);
    await server.restart();
    await waitFor(() => times === 2, { what: 'the connection to be restored' });
    await link.connection.flush();
  });

  it('starts without the server, and connects when it is up', async () => {
    await server.kill();
    await link.start();
    expect(link.connected).toBe(false);
    await server.restart();
    await waitFor(() => link.connected, { what: 'the first connection' });
  });

  it('logs why it cannot connect, once for each cause', async () => {
    await server.kill();
    const lines: string[] = [];
    const told = createLogger({ name: 'test', level: 'warn' });
    jest.spyOn(told, 'warn').mockImplementation((line: unknown) => void lines.push(String(line)));
    const own = new NatsLink({ log: told }, { url: server.url, name: 'test' });
    await own.start();
    await own.stop();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/is unreachable \(no server listens there\): continuing without/);
  });

  it('connects at once to the server that answers, among several that accept connections and stay silent', async () => {
    const sockets = new Set<Socket>();
    const silent = await Promise.all(
      [1, 2, 3].map(async () => {
        const each = createServer((socket) => sockets.add(socket.on('error', () => undefined).resume()));
        await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
        return each;
      }),
    );
    const urls = silent.map((each) => `nats://127.0.0.1:${(each.address() as AddressInfo).port}`);
    const own = new NatsLink({ log }, { url: [...urls, server.url].join(','), name: 'test' });
    const beganMs = performance.now();
    await own.start();
    // Each silent server would cost the client two seconds, and the start does not wait longer than that.
    expect(own.connected).toBe(true);
    expect(performance.now() - beganMs).toBeLessThan(2000);
    await own.stop();
    for (const each of silent) each.close();
    for (const socket of sockets) socket.destroy();
  });

  it('gives up at once when stopped before its first connection', async () => {
    await server.kill();
    const starting = link.start();
    await link.stop();
    await starting;
    await server.restart();
    expect(link.connected).toBe(false);
  });
});
