import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Server } from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { toServiceError } from '@enjambre/rpc/status';
import { EnjambreError } from '@enjambre/core/error';
import {
  File,
  GetStatsResponse,
  SwarmMember,
  TrackerServiceService,
  type GetSwarmRequest,
  type ListFilesRequest,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { FakeAgent } from './fake-agent.js';
import { cli } from './harness.js';

const INFOHASH = '5d'.repeat(32);
const bob = {
  id: 'b'.repeat(64),
  name: 'bob',
  endpoint: '10.0.0.7:7072',
  endpoints: [],
  labels: {},
  seedingCount: 1,
};
const server = new Server();
let tracker: string;

type Callback = (error: Error | null, response?: unknown) => void;

beforeAll(async () => {
  const handlers = {
    getStats: (_call: unknown, callback: Callback) => {
      callback(null, GetStatsResponse.fromPartial({}));
    },
    listFiles: ({ request }: { request: ListFilesRequest }, callback: Callback) => {
      const files = [File.fromPartial({ infohash: INFOHASH, name: 'a.bin', sizeBytes: 5n, seederCount: 1 })];
      callback(null, {
        files: files.filter((file) => `${file.infohash} ${file.name}`.includes(request.query)),
        nextPageToken: '',
      });
    },
    listPeers: (_call: unknown, callback: Callback) => {
      callback(null, { peers: [{ ...bob, version: '', leechingCount: 0 }], nextPageToken: '' });
    },
    getSwarm: ({ request }: { request: GetSwarmRequest }, callback: Callback) => {
      if (request.infohash === INFOHASH) {
        callback(null, {
          members: [SwarmMember.fromPartial({ peer: bob, seeder: true, uploadedBytes: 9n })],
        });
      } else {
        const error = new EnjambreError('not-found', 'UNKNOWN_FILE', 'no connected peer has it');
        callback(toServiceError(error, 'enjambre.tracker'));
      }
    },
  };
  server.addService(TrackerServiceService, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', DECRYPTED, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  tracker = `127.0.0.1:${port}`;
});

afterAll(() => {
  server.forceShutdown();
});

async function silentServer(): Promise<{ address: string; stop: () => void }> {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    silent.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: `127.0.0.1:${(silent.address() as AddressInfo).port}`, stop };
}

describe('a tracker queried without an agent', () => {
  test('returns its files', async () => {
    const { code, objects } = await cli(['files', 'a', '--tracker', tracker, '--json']);

    expect(code).toBe(0);
    expect(objects()).toMatchObject([
      { type: 'file', infohash: INFOHASH, name: 'a.bin', size_bytes: 5, seeder_count: 1 },
    ]);
  });

  test('returns its peers, also if set by the variable', async () => {
    const { stdout } = await cli(['peers'], { environment: { ENJAMBRE_TRACKER: tracker } });

    expect(stdout).toMatch(/bob +bbbbbbbb +10\.0\.0\.7:7072/);
  });

  test.each(['a.bin', '5d5d5d5d', INFOHASH, `magnet:?xt=urn:btmh:1220${INFOHASH}`])(
    'returns the swarm of %s',
    async (ref) => {
      const { objects } = await cli(['peers', ref, '--tracker', tracker, '--json']);

      expect(objects()).toMatchObject([{ type: 'peer', name: 'bob', seeder: true, uploaded_bytes: 9 }]);
    },
  );

  test('reports unknown refs', async () => {
    expect(await cli(['peers', 'other', '--tracker', tracker])).toMatchObject({ code: 3 });
    expect(await cli(['peers', 'ab'.repeat(32), '--tracker', tracker])).toMatchObject({
      code: 3,
      stderr: 'enjambre: no connected peer has it\n',
    });
  });

  test('is distinguished from an agent, and from another server', async () => {
    expect(await cli(['ls', '--agent', tracker])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(
        /^enjambre: 127\.0\.0\.1:\d+ is not the control address of an agent, .*--agent\n$/,
      ),
    });
    const agent = await FakeAgent.start();
    const port = await agent.listen('127.0.0.1:0');
    const other = await cli(['files', '--tracker', `127.0.0.1:${port}`]);
    await agent.stop();
    expect(other).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/is not the address of a tracker, .*--tracker\n$/),
    });
  });

  test('is skipped if it accepts connections but is silent, and another answers', async () => {
    const silent = await Promise.all([1, 2, 3].map(() => silentServer()));
    const beganMs = performance.now();
    const all = [...silent.map(({ address }) => address), tracker].join(',');
    const { code } = await cli(['files', '--tracker', all]);
    const tookMs = performance.now() - beganMs;
    for (const { stop } of silent) stop();

    expect(code).toBe(0);
    // Three short head starts, on a busy machine; the timeout of each is 10 s.
    expect(tookMs).toBeLessThan(5000);
  });

  test('is queried after one that does not answer', async () => {
    expect(await cli(['files', '--tracker', `127.0.0.1:1,${tracker}`])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});
