import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { LIVENESS } from '@enjambre/rpc/health';
import { GrpcServer } from '@enjambre/rpc/server';
import { createLogger } from '@enjambre/common/log/logger';
import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { cli } from './harness.js';

const log = createLogger({ name: 'test', level: 'silent' });
let server: GrpcServer;
let address: string;

beforeEach(async () => {
  server = new GrpcServer({
    listen: parseAddress('127.0.0.1:0'),
    credentials: PLAINTEXT,
    log,
    graceMs: 50,
    services: [],
  });
  await server.start();
  address = formatAddress(server.address);
});

afterEach(() => server.stop());

describe('enjambre health', () => {
  test('exits 0 if the server is healthy', async () => {
    expect(await cli(['health', address])).toMatchObject({ code: 0, stdout: 'SERVING\n', stderr: '' });
    const { code, objects } = await cli(['health', address, '--json']);
    expect(code).toBe(0);
    expect(objects()).toEqual([{ type: 'health', address, status: 'SERVING' }]);
  });

  test('exits 1 if the server is alive but not serving', async () => {
    server.setServing(false);
    expect(await cli(['health', address])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `enjambre: ${address} is NOT_SERVING: see its log\n`,
    });
    expect(await cli(['health', address, LIVENESS])).toMatchObject({ code: 0 });
  });

  test('exits 3 if the server has no such service', async () => {
    const { code, stderr } = await cli(['health', address, 'no.such.Service']);
    expect([code, stderr]).toEqual([3, expect.stringContaining('has no service "no.such.Service"')]);
  });

  test('exits 4 if no server answers', async () => {
    await server.stop();
    const { code, stderr } = await cli(['health', address]);
    expect([code, stderr]).toEqual([
      4,
      `enjambre: no server answers at ${address}: start it, or see its log\n`,
    ]);
  });

  test.each([
    [[], '127.0.0.8:7070'],
    [['enjambre.messaging.v1.MessagingService'], '127.0.0.8:7071'],
    [['enjambre.peer.v1.PeerService'], '127.0.0.8:7072'],
  ])('without a port, the server of %j is asked at %s', async (service, address) => {
    const { code, stderr } = await cli(['health', '127.0.0.8', ...service]);
    expect(code).toBe(4);
    expect(stderr).toContain(`no server answers at ${address}`);
  });

  test('exits 2 for a malformed address', async () => {
    expect((await cli(['health', 'no where'])).code).toBe(2);
    expect((await cli(['health'])).code).toBe(2);
  });
});
