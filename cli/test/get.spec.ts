import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import {
  TransferPeer,
  TransferState,
  type DownloadRequest,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, INFOHASH, transferOf } from './fake-agent.js';
import { cli } from './harness.js';

const peer = (fields: Partial<TransferPeer>): TransferPeer => ({
  ...TransferPeer.fromPartial({}),
  ...fields,
});

const sources = [
  peer({ id: 'b'.repeat(64), name: 'bob', connected: true, downloadedBytes: 250_000n }),
  peer({ id: 'a'.repeat(64), name: 'alice', connected: true, downloadedBytes: 750_000n }),
  peer({ id: 'c'.repeat(64), name: 'carol', connected: true, uploadedBytes: 10n }),
];
const half = transferOf({
  state: TransferState.DOWNLOADING,
  doneBytes: 500_000n,
  downloadRate: 100_000n,
  timeLeft: { seconds: 5n, nanos: 0 },
  peers: sources,
});
const whole = transferOf({ peers: sources });

let agent: FakeAgent;
let asked: DownloadRequest[];

beforeEach(async () => {
  asked = [];
  agent = await FakeAgent.start({
    download: (request) => {
      asked.push(request);
      return { transfer: half, alreadyComplete: false };
    },
    watch: () => stream([half, whole]),
  });
});

afterEach(() => agent.stop());

async function* stream(transfers: readonly Transfer[]): AsyncGenerator<Transfer> {
  for (const transfer of transfers) {
    await Promise.resolve();
    yield transfer;
  }
}

async function* until(signal: AbortSignal, transfer: Transfer): AsyncGenerator<Transfer> {
  yield transfer;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve);
  });
}

describe('enjambre get', () => {
  test('reads a .torrent from standard input', async () => {
    const stdin = [Buffer.from('the '), Buffer.from('metainfo')];
    const { code } = await cli(['get', '-', '--detach', '--agent', agent.address], { stdin });
    expect(code).toBe(0);
    expect(asked).toMatchObject([{ source: { $case: 'metainfo', value: Buffer.from('the metainfo') } }]);
  });

  test('ends with a done line that names the sources, largest amount first', async () => {
    const { code, stderr, objects } = await cli(['get', INFOHASH, '--json', '--agent', agent.address]);

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(objects().map(({ type }) => type)).toEqual(['progress', 'progress', 'done']);
    expect(objects()[0]).toEqual({
      type: 'progress',
      infohash: INFOHASH,
      name: 'model.bin',
      state: 'downloading',
      size_bytes: 1_000_000,
      done_bytes: 500_000,
      download_rate: 100_000,
      time_left_seconds: 5,
      source_count: 2,
    });
    expect(objects().at(-1)).toEqual({
      type: 'done',
      infohash: INFOHASH,
      name: 'model.bin',
      path: '/data/downloads/model.bin',
      size_bytes: 1_000_000,
      active_seconds: 2.5,
      sources: [
        { id: 'a'.repeat(64), name: 'alice', downloaded_bytes: 750_000 },
        { id: 'b'.repeat(64), name: 'bob', downloaded_bytes: 250_000 },
      ],
    });
  });

  test('reports what the file system refused to store', async () => {
    agent.script.watch = () => stream([{ ...whole, warning: 'no file can be executed' }]);
    const { code, stderr } = await cli(['get', INFOHASH, '--agent', agent.address]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^model\.bin is complete, but no file can be executed\n$/m);
  });

  test('prints path, size, time, rate and sources in plain lines when piped', async () => {
    const { code, stdout, stderr } = await cli(['get', INFOHASH, '--data-dir', agent.dataDir]);

    expect(code).toBe(0);
    expect(stderr).toBe(
      'model.bin  50%  500 kB/1 MB  100 kB/s  5s left  2 sources\nmodel.bin  100%  1 MB/1 MB  2 sources\n',
    );
    expect(stdout).toMatchInlineSnapshot(`
     "done  /data/downloads/model.bin  1 MB in 2.5s (400 kB/s)

     FROM   PEER       BYTES  SHARE
     alice  aaaaaaaa  750 kB    75%
     bob    bbbbbbbb  250 kB    25%
     "
    `);
  });

  test('draws a bar over one line of a terminal', async () => {
    const { stderr } = await cli(['get', INFOHASH, '--agent', agent.address], { columns: 100 });

    const drawn = stderr.split('\n')[0]!.split('\r\u001b[K');
    expect(drawn[1]).toMatch(
      /^model\.bin {2}█+░+ {2}50% {2}500 kB\/1 MB {2}100 kB\/s {2}5s left {2}2 sources$/,
    );
    expect(drawn.at(-1)).toMatch(/^model\.bin {2}█+ {2}100%/);
    expect(drawn.every((line) => line.length < 100)).toBe(true);
  });

  test('draws the bar on a terminal although its result goes to a file', async () => {
    const options = { columns: 100, redirected: true };
    const { stdout, stderr } = await cli(['get', INFOHASH, '--agent', agent.address], options);

    expect(stderr).toMatch(/\r\u001b\[Kmodel\.bin {2}█+/);
    expect(stdout).toMatch(/^done {2}\/data/);
  });

  test.each([80, 140])('says on a terminal of %d columns why nothing moves', async (columns) => {
    const message =
      'asking 4 peers for the metainfo; 192.168.100.3:7072 and 3 others do not answer; the tracker is unreachable';
    const stuck = { ...half, state: TransferState.RESOLVING, doneBytes: 0n, sizeBytes: 0n, message };
    agent.script.watch = () => stream([stuck, whole]);

    const { stderr } = await cli(['get', INFOHASH, '--agent', agent.address], { columns });

    expect(stderr.replace(/\s+/g, ' ')).toContain(`resolving: ${message}`);
  });

  test('returns at once when the agent already has the file', async () => {
    agent.script.download = () => ({ transfer: whole, alreadyComplete: true });
    agent.script.watch = () => {
      throw new Error('nothing is left to watch');
    };

    const { code, objects } = await cli(['get', 'model.bin', '--json', '--agent', agent.address]);

    expect(code).toBe(0);
    expect(objects().map(({ type }) => type)).toEqual(['done']);
    expect((await cli(['get', 'model.bin', '--agent', agent.address])).stdout).toContain(
      'already complete  /data/downloads/model.bin',
    );
  });

  test('returns at once with --detach', async () => {
    const { code, stdout, stderr } = await cli(['get', INFOHASH, '--detach', '--agent', agent.address]);

    expect({ code, stdout }).toEqual({ code: 0, stdout: 'model.bin: downloading\n' });
    expect(stderr).toBe('`enjambre status 5d41402a` shows its progress\n');
  });

  test('gives the agent an absolute folder and the bytes of a .torrent', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'enjambre-cli-'));
    await writeFile(join(cwd, 'model.torrent'), 'd4:infode');

    await cli(['get', 'model.torrent', '--output', 'here', '--detach', '--agent', agent.address], { cwd });
    await cli(['get', 'absent.torrent', '--detach', '--agent', agent.address], { cwd });
    await rm(cwd, { recursive: true });

    expect(asked[0]?.outputDir).toBe(join(cwd, 'here'));
    expect(asked[0]?.source?.$case).toBe('metainfo');
    expect(Buffer.from(asked[0]?.source?.value as Uint8Array).toString()).toBe('d4:infode');
    expect(asked[1]?.source).toEqual({ $case: 'ref', value: 'absent.torrent' });
  });

  test('shows why it waits', async () => {
    const waiting = transferOf({
      name: '5d41402a',
      state: TransferState.RESOLVING,
      message: 'no peer has it yet',
      sizeBytes: 0n,
      doneBytes: 0n,
      activeTime: undefined,
    });
    agent.script.download = () => ({ transfer: waiting, alreadyComplete: false });

    const { stderr } = await cli(['get', INFOHASH, '--agent', agent.address]);

    expect(stderr).toMatch(/^5d41402a {2}resolving: no peer has it yet\n/);
  });

  test.each([
    [
      { state: TransferState.FAILED, reason: 'DISK_FULL', message: 'the disk is full' },
      'DISK_FULL',
      /failed: the disk is full/,
    ],
    // From an older agent.
    [
      { state: TransferState.FAILED, message: 'the disk is full' },
      'TRANSFER_FAILED',
      /failed: the disk is full/,
    ],
    [
      { state: TransferState.MISSING, message: '/srv/model.bin is missing: mount its disk' },
      'CONTENT_MISSING',
      /waits for its files: \/srv\/model\.bin is missing: mount its disk/,
    ],
    [{ state: TransferState.PAUSED }, 'TRANSFER_PAUSED', /was paused: .*enjambre resume 5d41402a/],
  ])('exits 1 when the transfer becomes %p', async (fields, reason, sentence) => {
    agent.script.watch = () => stream([half, transferOf(fields)]);

    const { code, stderr, objects } = await cli(['get', INFOHASH, '--json', '--agent', agent.address]);

    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(objects().at(-1)).toMatchObject({ type: 'error', reason, exit_code: 1 });
  });

  test('gives a paused transfer time to resume', async () => {
    const paused = transferOf({ state: TransferState.PAUSED });
    agent.script.download = () => ({ transfer: paused, alreadyComplete: false });
    agent.script.watch = () => stream([paused, half, whole]);

    const { code, objects } = await cli(['get', INFOHASH, '--json', '--agent', agent.address]);

    expect(code).toBe(0);
    expect(objects().map(({ type }) => type)).toEqual(['progress', 'done']);
  });

  test('exits 1 when the transfer is removed', async () => {
    agent.script.watch = () => stream([half]);

    const { code, stderr } = await cli(['get', INFOHASH, '--agent', agent.address]);

    expect(code).toBe(1);
    expect(stderr).toContain('removed while it ran');
  });

  test('exits 3 when no peer has the file', async () => {
    agent.script.download = () => {
      throw new EnjambreError('not-found', 'UNKNOWN_REF', 'no peer has it: share it first');
    };

    const { code, stderr, stdout } = await cli(['get', 'nothing', '--agent', agent.address]);

    expect({ code, stderr, stdout }).toEqual({
      code: 3,
      stderr: 'enjambre: no peer has it: share it first\n',
      stdout: '',
    });
  });

  test.each(['model.bin', './model.bin', 'folder'])(
    'reports that a ref (%s) is a local path',
    async (ref) => {
      const cwd = await mkdtemp(join(tmpdir(), 'enjambre-cli-'));
      await writeFile(join(cwd, 'model.bin'), 'content');
      await mkdir(join(cwd, 'folder'));
      agent.script.download = () => {
        throw new EnjambreError('not-found', 'UNKNOWN_REF', 'no peer shares it');
      };

      const { code, stderr } = await cli(['get', ref, '--agent', agent.address], { cwd });
      await rm(cwd, { recursive: true });

      expect(code).toBe(3);
      expect(stderr).toMatch(
        /^enjambre: \S+\/(model\.bin is a local file|folder is a local folder), not a \.torrent: /,
      );
    },
  );

  test('gives up after --timeout with 1, and says that the agent continues', async () => {
    agent.script.watch = (_ref, ended) => until(ended, half);

    const { code, stderr } = await cli(['get', INFOHASH, '-q', '--timeout', '0.2', '--agent', agent.address]);

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'enjambre: not complete after 200ms: the agent continues in the background; `enjambre status 5d41402a` shows its progress\n',
    });
  });

  test('gives up after --timeout when the agent does not find the file', async () => {
    agent.script.download = () => new Promise(() => undefined);

    const { code, stderr } = await cli(['get', 'x', '--timeout', '0.2', '--agent', agent.address]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/did not find the file within/);
  });

  test('completes within --timeout', async () => {
    expect(
      await cli(['get', INFOHASH, '--quiet', '--timeout', '60', '--agent', agent.address]),
    ).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await cli(['get', INFOHASH, '--timeout', '0'])).toMatchObject({ code: 2 });
  });

  test('exits 130 at Ctrl-C and says that the agent continues', async () => {
    agent.script.watch = (_ref, ended) => until(ended, half);
    const interrupt = new AbortController();

    const { code, stderr } = await cli(['get', INFOHASH, '--agent', agent.address], {
      interrupt,
      onOutput: () => {
        interrupt.abort();
      },
    });

    expect(code).toBe(130);
    expect(stderr).toContain(
      '\nenjambre: interrupted: the agent continues in the background; `enjambre status 5d41402a` shows its progress\n',
    );
  });

  test('resumes after the agent was killed and started again', async () => {
    let watched = 0;
    agent.script.watch = (_ref, ended) => {
      watched += 1;
      return watched === 1 ? until(ended, half) : stream([whole]);
    };
    let restarted: Promise<unknown> | undefined;

    const { code, stderr, objects } = await cli(['get', INFOHASH, '--json', '--agent', agent.address], {
      onOutput: (output) => {
        if (output.split('\n').length < 3 || restarted) return;
        agent.die();
        restarted = agent.listen();
      },
    });
    await restarted;

    expect(code).toBe(0);
    expect(stderr).toContain('lost the connection to the agent');
    expect(objects().at(-1)).toMatchObject({ type: 'done', size_bytes: 1_000_000 });
  });
});
