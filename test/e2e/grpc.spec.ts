import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { credentials, loadPackageDefinition, type Client, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { bufCurl, type CurlInit } from './support/buf-curl.js';
import { KIB, MIB, shareFile } from './support/sharing.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  alice = await swarm.startAgent('alice');
});

afterAll(() => swarm.stop());

/** Runs `buf curl` to its end. */
const curl = (init: CurlInit): Promise<CommandResult> => finish(bufCurl(swarm, init));

/** The single response of a call. */
async function answerTo(init: CurlInit): Promise<unknown> {
  const { code, stdout, stderr } = await curl(init);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('`buf curl`, with the schema from reflection only,', () => {
  test("lists the tracker's methods", async () => {
    const { stdout, code } = await curl({ address: swarm.trackerAddress, options: ['--list-methods'] });
    expect(code).toBe(0);
    const methods = ['Connect', 'GetFile', 'GetStats', 'GetSwarm', 'ListFiles', 'ListPeers', 'WatchEvents'];
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(methods.map((name) => `enjambre.tracker.v1.TrackerService/${name}`)),
    );
    expect(stdout).toContain('grpc.health.v1.Health/Check');
  });

  test("lists the methods of an agent's peer port, without the control methods", async () => {
    const { stdout, code } = await curl({ address: alice.address, options: ['--list-methods'] });
    expect(code).toBe(0);
    const methods = ['Fetch', 'GetMetainfo', 'Sync'].map((name) => `enjambre.peer.v1.PeerService/${name}`);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(methods));
    expect(stdout).not.toContain('AgentService');
  });

  test('finds tracker and agent healthy', async () => {
    const method = 'grpc.health.v1.Health/Check';
    for (const [address, service] of [
      [swarm.trackerAddress, 'enjambre.tracker.v1.TrackerService'],
      [alice.address, 'enjambre.peer.v1.PeerService'],
    ] as const) {
      expect(await answerTo({ address, method })).toEqual({ status: 'SERVING' });
      expect(await answerTo({ address, method, data: { service } })).toEqual({ status: 'SERVING' });
      expect((await curl({ address, method, data: { service: 'no.such.Service' } })).code).toBe(5 << 3); // NOT_FOUND
    }
  });

  test('calls methods of the tracker', async () => {
    const file = await shareFile(swarm, [alice], { name: 'curled.bin', bytes: 300 * KIB });
    const address = swarm.trackerAddress;
    const found = await waitFor(
      async () => {
        const list = (await answerTo({
          address,
          method: 'enjambre.tracker.v1.TrackerService/ListFiles',
          data: { query: 'curled' },
        })) as {
          files?: object[];
        };
        return list.files;
      },
      { what: 'the file to be listed', everyMs: 200 },
    );
    expect(found).toEqual([
      expect.objectContaining({
        infohash: file.infohash,
        name: 'curled.bin',
        sizeBytes: '307200',
        seederCount: 1,
      }),
    ]);
    expect(await answerTo({ address, method: 'enjambre.tracker.v1.TrackerService/GetStats' })).toMatchObject({
      peerCount: 1,
      fileCount: 1,
      seederCount: 1,
    });
    const { infohash } = file;
    const data = { infohash };
    expect(
      await answerTo({ address, method: 'enjambre.tracker.v1.TrackerService/GetSwarm', data }),
    ).toMatchObject({
      members: [{ peer: { name: 'alice', endpoint: alice.address }, seeder: true }],
    });
  });

  test('receives a rich error', async () => {
    const method = 'enjambre.tracker.v1.TrackerService/GetFile';
    const { code, stderr } = await curl({
      address: swarm.trackerAddress,
      method,
      data: { infohash: 'ab'.repeat(32) },
    });
    expect(code).toBe(5 << 3); // NOT_FOUND
    const error = JSON.parse(stderr) as { code: string; details: { type: string; value: string }[] };
    expect(error).toMatchObject({ code: 'not_found', details: [{ type: 'google.rpc.ErrorInfo' }] });
    const info = Buffer.from(error.details[0]?.value ?? '', 'base64').toString('latin1');
    expect(info).toMatch(/FILE_NOT_FOUND.*enjambre\.tracker/s);
  });

  test("follows the tracker's stream of events", async () => {
    const watch = bufCurl(swarm, {
      address: swarm.trackerAddress,
      method: 'enjambre.tracker.v1.TrackerService/WatchEvents',
      data: { types: ['file.*'] },
    });
    // The start of the stream is not visible, so files are shared until one is seen.
    let count = 0;
    await waitFor(
      async () => {
        await shareFile(swarm, [alice], { name: `event-${count++}.bin`, bytes: 1000 });
        return watch.stdout.some((line) => line.includes('fileShared'));
      },
      { what: 'an event', everyMs: 200 },
    );
    watch.signal('SIGTERM');
    await watch.wait();
    const events = watch.stdout.join('\n');
    expect(events).toMatch(/"name": *"event-\d+\.bin"/);
    expect(events).toMatch(/"name": *"alice"/);
    expect(events).not.toContain('peerConnected');
  });

  test('streams metainfo from the peer port', async () => {
    const file = await shareFile(swarm, [alice], { name: 'meta.bin', bytes: MIB });
    const data = { infohash: Buffer.from(file.infohash, 'hex').toString('base64') };
    const answer = await answerTo({
      address: alice.address,
      method: 'enjambre.peer.v1.PeerService/GetMetainfo',
      data,
    });
    const { totalLength, chunk } = answer as { totalLength: number; chunk: string };
    const metainfo = Buffer.from(chunk, 'base64');
    expect(metainfo).toHaveLength(totalLength);
    expect(metainfo.toString('latin1')).toContain('4:name8:meta.bin');
  });
});

describe('a third-party client, built from the .proto files alone', () => {
  type Call = (
    request: object,
    done: (error: ServiceError | null, response: Record<string, unknown>) => void,
  ) => void;
  type Methods = Record<string, Call> &
    Record<'Share' | 'WatchTransfer', (request: object) => AsyncIterable<Record<string, unknown>>>;
  let client: Client & Methods;

  beforeAll(() => {
    client = agentClient(`unix:${join(alice.dataDir, 'agent.sock')}`) as typeof client;
  });

  afterAll(() => {
    client.close();
  });

  const call = (method: string, request: object): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      client[method]?.(request, (error, response) => {
        if (error) reject(error);
        else resolve(response);
      });
    });

  test('reads the identity of an agent', async () => {
    expect(await call('GetInfo', {})).toMatchObject({
      name: 'alice',
      listen: alice.address,
      tracker: swarm.trackerAddress,
      tracker_state: 'TRACKER_STATE_CONNECTED',
      data_dir: alice.dataDir,
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('shares with one agent, and downloads and watches with another', async () => {
    const path = join(swarm.root, 'third-party.bin');
    const sha256 = await writeRandomFile(path, 5 * MIB);
    let infohash = '';
    for await (const { shared } of client.Share({ path })) {
      infohash = (shared as { transfer: { infohash: string } } | undefined)?.transfer.infohash ?? infohash;
    }
    expect(infohash).toMatch(/^[0-9a-f]{64}$/);

    const bob = await swarm.startAgent('bob');
    const other = agentClient(`unix:${join(bob.dataDir, 'agent.sock')}`) as typeof client;
    try {
      await new Promise<void>((resolve, reject) => {
        other.Download?.({ ref: infohash }, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
      for await (const { transfer } of other.WatchTransfer({ ref: infohash })) {
        if ((transfer as { state: string }).state === 'TRANSFER_STATE_SEEDING') break;
      }
      expect(await hashFile(join(bob.downloadDir, 'third-party.bin'))).toBe(sha256);
    } finally {
      other.close();
    }
  });

  test('receives errors with a code and a sentence', async () => {
    await expect(call('GetTransfer', { ref: 'unheard-of' })).rejects.toMatchObject({
      code: 5, // NOT_FOUND
      details: expect.stringContaining('unheard-of'),
    });
  });
});

function agentClient(address: string): Client {
  const folder = fileURLToPath(new URL('../../proto', import.meta.url));
  const definition = loadSync('enjambre/agent/v1/agent.proto', {
    includeDirs: [folder],
    keepCase: true,
    enums: String,
    longs: String,
    defaults: true,
  });
  const { enjambre } = loadPackageDefinition(definition) as unknown as {
    enjambre: { agent: { v1: { AgentService: new (address: string, credentials: unknown) => Client } } };
  };
  // eslint-disable-next-line no-restricted-syntax -- It is a client without our libraries.
  return new enjambre.agent.v1.AgentService(address, credentials.createInsecure());
}
