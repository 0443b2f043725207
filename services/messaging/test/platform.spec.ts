import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { HealthCheckResponse_ServingStatus, HealthClient } from '@enjambre/proto/gen/grpc/health/v1/health';
import { Harness, send } from './support/harness.js';

const run = promisify(execFile);
const BUF = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));
const SERVICE = 'enjambre.messaging.v1.MessagingService';

const curl = async (...args: string[]): Promise<string> => {
  const { stdout } = await run(BUF, ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args]);
  return stdout;
};

describe('a messaging service as platform teams see it', () => {
  test('describes itself by reflection, and answers a tool without protos', async () => {
    const harness = await Harness.start();
    const url = `http://127.0.0.1:${harness.port}`;
    const methods = await curl('--list-methods', url);
    for (const method of ['Send', 'Receive', 'ListMessages', 'JoinRoom', 'WatchEvents'])
      expect(methods).toContain(`${SERVICE}/${method}`);
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const message = '{"id":"curl","target":{"peer":"bob"},"text":"from a shell"}';
    const answer = await curl(
      '-H',
      `authorization: Bearer ${alice.token}`,
      '-d',
      message,
      `${url}/${SERVICE}/Send`,
    );
    expect(JSON.parse(answer)).toMatchObject({ receiverCount: 1 });
    await bob.received(1);
    expect(bob.texts).toEqual(['from a shell']);
    await harness.stop();
  });

  test('names the port in use when it cannot start', async () => {
    const harness = await Harness.start();
    await expect(Harness.start({}, { listen: `127.0.0.1:${harness.port}` })).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'PORT_IN_USE',
    });
    await harness.stop();
  });

  test('is ready while NATS is reachable; without it sessions stay, and Send names the next step', async () => {
    const nats = await NatsServer.start();
    const harness = await Harness.start({}, { nats: nats.url });
    const client = dialer.client(HealthClient, `127.0.0.1:${harness.port}`, 'member');
    const isServing = async (service: string): Promise<boolean> => {
      const { status } = await callUnary(client.check.bind(client), { service });
      return status === HealthCheckResponse_ServingStatus.SERVING;
    };
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    for (const service of ['', SERVICE]) expect(await isServing(service)).toBe(true);

    await nats.kill();
    await waitFor(async () => !(await isServing(SERVICE)), { what: 'health to follow' });
    const refused = await send(alice, bob, 'kept', 'one').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'unavailable' });
    expect(String(refused)).toMatch(/try again/);
    const late = harness.stranger();
    await late.hello();
    expect(await late.end()).toMatchObject({ code: 'unavailable' });

    await nats.restart();
    await waitFor(() => isServing(SERVICE), { what: 'health to follow' });
    await waitFor(() => send(alice, bob, 'kept', 'one'), { what: 'JetStream', retryErrors: true });
    await bob.received(1);
    expect([alice.ended, bob.ended]).toEqual([undefined, undefined]);
    client.close();
    await harness.stop();
    await nats.stop();
  });

  test('over JetStream leaves undelivered messages to the next service', async () => {
    const nats = await NatsServer.start();
    const first = await Harness.start({}, { nats: nats.url });
    const [alice, bob] = [await first.peer('alice'), await first.peer('bob')];
    bob.call.end();
    await bob.end();
    await send(alice, 'bob', 'for later', 'one');
    await first.stop();

    const second = await Harness.start({}, { nats: nats.url });
    const again = await second.peer('alice', { identity: alice.identity });
    expect(await send(again, 'bob', 'for later', 'one')).toMatchObject({ duplicate: true });
    await send(again, 'bob', 'and this');
    const back = await second.peer('bob', { identity: bob.identity });
    await back.received(2);
    expect(back.texts).toEqual(['for later', 'and this']);
    await second.stop();
    await nats.stop();
  });
});
