import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Priority,
  type DownloadRequest,
  type LimitChange,
  type SetLimitsRequest,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, INFOHASH, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

let agent: FakeAgent;
let asked: SetLimitsRequest[];

beforeEach(async () => {
  agent = await FakeAgent.start();
  asked = [];
  agent.script.limit = (request) => {
    asked.push(request);
    const { maxUpload = 0n, maxDownload = 0n, priority = Priority.NORMAL } = request.change ?? {};
    const transfer = request.ref === '' ? undefined : transferOf({ maxUpload, maxDownload, priority });
    return { transfer, maxUpload, maxDownload };
  };
});

afterEach(() => agent.stop());

function on(...args: string[]): Promise<CliResult> {
  return cli(args, { environment: { ENJAMBRE_AGENT: agent.address } });
}

const change = (fields: Partial<LimitChange>): LimitChange => ({
  maxUpload: undefined,
  maxDownload: undefined,
  priority: Priority.UNSPECIFIED,
  seedRatio: undefined,
  seedTime: undefined,
  ...fields,
});

describe('enjambre limit', () => {
  test('changes only the named limits of the agent, and says how long they last', async () => {
    const { code, stdout, stderr } = await on('limit', '--max-upload', '10MB');
    expect(code).toBe(0);
    expect(asked).toEqual([{ ref: '', change: change({ maxUpload: 10_000_000n }) }]);
    expect(stdout).toBe('this agent, all transfers together: up 10 MB/s, down no limit\n');
    expect(stderr).toContain('until the agent stops; its flags --max-upload and --max-download');
  });

  test('changes the limits and priority of a transfer', async () => {
    const { stdout } = await on(
      'limit',
      INFOHASH,
      '--max-download',
      '1.5MiB',
      '--max-upload',
      'none',
      '--priority',
      'high',
    );
    const wanted = change({ maxUpload: 0n, maxDownload: 1_572_864n, priority: Priority.HIGH });
    expect(asked).toEqual([{ ref: INFOHASH, change: wanted }]);
    expect(stdout).toBe('model.bin: up no limit, down 1.57 MB/s, high priority\n');
  });

  test('shows the current limits without flags', async () => {
    agent.script.transfers = () => [
      transferOf({ priority: Priority.NORMAL }),
      transferOf({ name: 'slow.bin', maxUpload: 500_000n, priority: Priority.LOW }),
    ];
    agent.script.transfer = () => transferOf({ maxUpload: 500_000n, priority: Priority.NORMAL });
    const all = (await on('limit')).stdout;
    expect(all).toContain('up 10 MB/s, down no limit');
    expect(all).toMatch(/slow\.bin +500 kB\/s +no limit +low/);
    expect(all).not.toContain('model.bin');
    expect((await on('limit', 'model.bin')).stdout).toBe(
      'model.bin: up 500 kB/s, down no limit, normal priority\n',
    );
    const lines = (await on('limit', '--json')).objects();
    expect(lines).toMatchObject([
      { type: 'limits', max_upload: 10_000_000 },
      { type: 'transfer', name: 'slow.bin', max_upload: 500_000, priority: 'low' },
    ]);
    for (const line of lines) expect(line).not.toHaveProperty('max_download');
    expect(asked).toEqual([]);
  });

  test.each([
    [['--max-upload', '10Mb'], '--max-upload: "10Mb" is not a rate: write 10MB'],
    [
      ['--max-download', '5'],
      '--max-download: "5" per second is out of range: choose from 1kB to 1TB, or none',
    ],
    [['--priority', 'urgent'], '--priority: must be high, normal or low'],
    [['--priority', 'low'], '--priority applies to a single transfer: name it'],
  ])('refuses %j as a usage error', async (args, message) => {
    const { code, stderr } = await on('limit', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(asked).toEqual([]);
  });
});

test('get and share pass limits on', async () => {
  const downloads: DownloadRequest[] = [];
  agent.script.download = (request) => {
    downloads.push(request);
    return { transfer: transferOf(), alreadyComplete: false };
  };
  await on('get', INFOHASH, '--detach', '--max-download', '2MB', '--priority', 'low');
  await on('get', INFOHASH, '--detach');
  const limits = change({ maxDownload: 2_000_000n, priority: Priority.LOW });
  expect(downloads.map((request) => request.limits)).toEqual([limits, undefined]);

  const shares: (LimitChange | undefined)[] = [];
  agent.script.share = async function* (request) {
    shares.push(request.limits);
    await Promise.resolve();
    const shared = {
      transfer: transferOf(),
      magnet: '',
      alreadyShared: false,
      metainfo: Buffer.alloc(0),
      leftOut: undefined,
    };
    yield { result: { $case: 'shared', value: shared } };
  };
  await on('share', '/data/x', '--max-upload', '3MB', '--priority', 'high');
  expect(shares).toEqual([change({ maxUpload: 3_000_000n, priority: Priority.HIGH })]);
});

test('status shows limits and priority unless they are the default', async () => {
  agent.script.transfer = () => transferOf({ maxDownload: 2_000_000n, priority: Priority.HIGH });
  expect((await on('status', 'model.bin')).stdout).toContain(
    'limits    up no limit, down 2 MB/s, high priority',
  );
  agent.script.transfer = () => transferOf({ priority: Priority.NORMAL });
  expect((await on('status', 'model.bin')).stdout).not.toContain('limits');
});
