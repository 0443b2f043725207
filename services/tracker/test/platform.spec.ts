import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { HealthCheckResponse_ServingStatus, HealthClient } from '@enjambre/proto/gen/grpc/health/v1/health';
import { Harness } from './harness.js';

const run = promisify(execFile);
const BUF = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));
const SERVICE = 'enjambre.tracker.v1.TrackerService';

describe('a tracker as platform teams see it', () => {
  let harness: Harness;

  beforeAll(async () => {
    harness = await Harness.start();
  });

  afterAll(() => harness.stop());

  const curl = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(BUF, ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args]);
    return stdout;
  };

  test('describes itself by reflection', async () => {
    const methods = await curl('--list-methods', `http://127.0.0.1:${harness.port}`);
    expect(methods).toContain(`${SERVICE}/Connect`);
    expect(methods).toContain('grpc.health.v1.Health/Check');
  });

  test('answers a call by a tool without protos', async () => {
    await harness.agent('alice');
    const answer = await curl(
      '-d',
      '{"query":"ALI"}',
      `http://127.0.0.1:${harness.port}/${SERVICE}/ListPeers`,
    );
    expect(JSON.parse(answer)).toMatchObject({ peers: [{ name: 'alice', endpoint: '10.0.0.7:7072' }] });
  });

  test('is healthy while it serves', async () => {
    const health = dialer.client(HealthClient, `127.0.0.1:${harness.port}`, 'member');
    for (const service of ['', SERVICE]) {
      const { status } = await callUnary(health.check.bind(health), { service });
      expect(status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    }
    health.close();
  });

  test('names the port in use when it cannot start', async () => {
    await expect(Harness.start({}, { port: harness.port })).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'PORT_IN_USE',
    });
  });
});
