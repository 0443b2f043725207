import { access, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { hashFile } from '@enjambre/harness/content';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, expectSentence, lastLine } from './support/outcome.js';
import {
  hasCopy,
  KIB,
  MIB,
  openLink,
  shareFile,
  startBehind,
  statusOf,
  untilDone,
  untilStatus,
  type SharedFile,
} from './support/sharing.js';
import type { SlowLink } from './support/slow-link.js';

jest.setTimeout(60_000);

const SLOW = 8 * MIB;

let swarm: ProcessSwarm;
let link: SlowLink;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  link = await openLink(swarm, SLOW);
  [alice, bob] = await Promise.all([
    startBehind(swarm, link, 'alice'),
    swarm.startAgent('bob', ['--label', 'zone=eu-1']),
  ]);
});

afterAll(() => swarm.stop());

describe('pause', () => {
  test('stops a download until `resume`, also when the agent is killed in between', async () => {
    link.bytesPerSecond = SLOW;
    const file = await shareFile(swarm, [alice], { name: 'paused.bin', bytes: 32 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(get, file.bytes / 4);
    expect(lastLine(await swarm.command(bob, ['pause', 'paused.bin', '--json']))).toMatchObject({
      state: 'paused',
    });

    const { code, stderr } = await finish(get);
    expect(code).toBe(1);
    expectSentence(stderr, /paused\.bin was paused: `enjambre resume/);
    await untilStatus(swarm, alice, {
      ref: file.infohash,
      is: ({ peers }) => peers.every(({ connected }) => !connected),
      what: 'the downloader to have left',
    });
    const paused = await statusOf(swarm, bob, file.infohash);
    expect(paused.done_bytes).toBeLessThan(file.bytes);

    await bob.process.kill();
    bob = await swarm.startAgent('bob', ['--label', 'zone=eu-1']);
    const still = await statusOf(swarm, bob, file.infohash);
    expect(still).toMatchObject({ state: 'paused', done_bytes: paused.done_bytes });

    link.bytesPerSecond = Infinity;
    const resumed = await swarm.command(bob, ['resume', 'paused.bin']);
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect(resumed.stdout).toMatch(/^paused\.bin is resumed/);
    await untilSeeding(file);
    expect(await hasCopy(bob, file)).toBe(true);
  });

  test('withdraws a share, and `get` of a paused download resumes it', async () => {
    link.bytesPerSecond = Infinity;
    const file = await shareFile(swarm, [alice], { name: 'withdrawn.bin', bytes: 2 * MIB });
    expect((await swarm.command(alice, ['pause', 'withdrawn.bin'])).stdout).toBe('withdrawn.bin is paused');
    await untilListed(file, false);
    const get = swarm.start(bob, ['get', file.magnet, '--json']);
    expect((await finish(get)).code).toBe(3);

    await swarm.command(alice, ['resume', 'withdrawn.bin']);
    await untilListed(file, true);
    lastLine(await swarm.command(bob, ['get', file.magnet, '--json']));
    expect(await hasCopy(bob, file)).toBe(true);
  });
});

describe('verify', () => {
  test('finds damage in a complete download, and downloads only the damaged piece again', async () => {
    link.bytesPerSecond = Infinity;
    const file = await shareFile(swarm, [alice], { name: 'damaged.bin', bytes: 5 * MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    await damage(join(bob.downloadDir, file.name), 3 * MIB + 7);
    expect(await hasCopy(bob, file)).toBe(false);

    const before = await statusOf(swarm, bob, file.infohash);
    const result = await swarm.command(bob, ['verify', '--wait', '-q', file.infohash]);
    expect(result).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/is complete again: 19 of 20 pieces intact, 262 kB downloaded again$/),
    });
    const after = await untilStatus(swarm, bob, {
      ref: file.infohash,
      is: ({ state, downloaded_bytes: received }) =>
        state === 'seeding' && received > before.downloaded_bytes,
      what: 'the damage to be repaired',
    });
    expect(await hasCopy(bob, file)).toBe(true);
    expect(after.downloaded_bytes - before.downloaded_bytes).toBe(256 * KIB);
    expect(after.path).toBe(join(bob.downloadDir, file.name));
  });

  test('finds that an original has changed, and stops serving it', async () => {
    const file = await shareFile(swarm, [alice], { name: 'changed.bin', bytes: MIB });
    await damage(file.path, 17);
    const result = await swarm.command(alice, ['verify', '--wait', file.infohash, '--json']);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('changed.bin failed') });
    expect(result.json.at(-2)).toMatchObject({ type: 'verified', piece_count: 4, good_piece_count: 3 });
    const failed = await untilStatus(swarm, alice, {
      ref: file.infohash,
      is: ({ state }) => state === 'failed',
      what: 'a failure',
    });
    expect(failed.message).toMatch(/changed\.bin is no longer what was shared: share it again/);
    await untilListed(file, false);

    const again = lastLine(await swarm.command(alice, ['share', file.path, '--json']));
    lastLine(await swarm.command(bob, ['get', String(again['infohash']), '--json']));
    expect(await hashFile(join(bob.downloadDir, 'changed.bin'))).toBe(await hashFile(file.path));
  });
});

describe('rm', () => {
  test('removes a download and keeps its file', async () => {
    const file = await shareFile(swarm, [alice], { name: 'kept.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    const result = await swarm.command(bob, ['rm', 'kept.bin']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain(`its files are kept: ${join(bob.downloadDir, 'kept.bin')}`);
    expect(await hasCopy(bob, file)).toBe(true);
    expect((await swarm.command(bob, ['status', 'kept.bin'])).code).toBe(3);
  });

  test('--data deletes what was downloaded', async () => {
    const file = await shareFile(swarm, [alice], { name: 'dropped.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    const line = lastLine(await swarm.command(bob, ['rm', 'dropped.bin', '--data', '--json']));
    expect(line).toMatchObject({ type: 'removed', infohash: file.infohash });
    await expect(access(join(bob.downloadDir, 'dropped.bin'))).rejects.toThrow('ENOENT');
    expect(await readdir(join(bob.dataDir, 'transfers'))).not.toContain(`${file.infohash}.torrent`);
  });

  test('of an active download ends its `get`, and deletes the partial download', async () => {
    link.bytesPerSecond = SLOW;
    const file = await shareFile(swarm, [alice], { name: 'half.bin', bytes: 32 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(get, file.bytes / 4);
    await access(join(bob.downloadDir, '.incomplete'));
    expect((await swarm.command(bob, ['rm', file.infohash])).code).toBe(0);
    const { code, stderr } = await finish(get);
    expect(code).toBe(1);
    expectSentence(stderr, /removed/);
    expect(await readdir(bob.downloadDir)).not.toContain('.incomplete');
    expect(await readdir(bob.downloadDir)).not.toContain('half.bin');
    link.bytesPerSecond = Infinity;
  });

  test('of a share withdraws it and keeps the original', async () => {
    const file = await shareFile(swarm, [alice], { name: 'unshared.bin', bytes: MIB });
    await untilListed(file, true);
    expect((await swarm.command(alice, ['rm', 'unshared.bin'])).code).toBe(0);
    await untilListed(file, false);
    expect(await hashFile(file.path)).toBe(file.sha256);
  });
});

describe('transfers, files and peers are listed', () => {
  let file: SharedFile;

  beforeAll(async () => {
    file = await shareFile(swarm, [alice], { name: 'shown.bin', bytes: 2 * MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    await waitFor(async () => (await swarmOf(file)).filter(({ seeder }) => seeder).length === 2, {
      what: 'both to seed',
      everyMs: 200,
    });
  });

  test('by `ls` and `status`, for programs', async () => {
    const lines = allLines(await swarm.command(bob, ['ls', '--json']));
    const [line] = lines.filter(({ infohash }) => infohash === file.infohash);
    expect(line).toMatchObject({
      type: 'transfer',
      name: 'shown.bin',
      state: 'seeding',
      origin: false,
      done_bytes: file.bytes,
    });
    expect(line).toMatchObject({
      downloaded_bytes: file.bytes,
      wasted_bytes: 0,
      done_piece_count: 8,
      piece_count: 8,
    });
    expect(line?.['peers']).toEqual([
      expect.objectContaining({ name: 'alice', downloaded_bytes: file.bytes }),
    ]);
    const status = lastLine(await swarm.command(bob, ['status', file.infohash.slice(0, 8), '--json']));
    expect(status).toMatchObject({ infohash: file.infohash, path: join(bob.downloadDir, 'shown.bin') });
  });

  test('by `ls` and `status`, for people', async () => {
    const list = await swarm.command(bob, ['ls']);
    expect(list.stdout).toMatch(
      new RegExp(`^shown\\.bin +seeding +100% +2\\.1 MB .* ${file.infohash.slice(0, 8)} `, 'm'),
    );
    const status = await swarm.command(bob, ['status', 'shown.bin']);
    expect(status.stdout).toMatch(/^shown\.bin$/m);
    expect(status.stdout).toMatch(/^ +state +seeding$/m);
    expect(status.stdout).toMatch(/^alice +[0-9a-f]{8} .*2\.1 MB/m);
    expect([list.code, status.code, list.stderr, status.stderr]).toEqual([0, 0, '', '']);
  });

  test('by `files`, all or those that match part of a name', async () => {
    const lines = allLines(await swarm.command(bob, ['files', 'SHOWN', '--json']));
    expect(lines).toEqual([
      expect.objectContaining({
        type: 'file',
        infohash: file.infohash,
        size_bytes: file.bytes,
        seeder_count: 2,
        leecher_count: 0,
        publisher: { id: expect.stringMatching(/^[0-9a-f]{64}$/), name: 'alice' },
      }),
    ]);
    const all = allLines(await swarm.enjambre(['files', '--json', '--tracker', swarm.trackerAddress]));
    expect(all).toContainEqual(lines[0]);
    const text = await swarm.command(bob, ['files', 'shown']);
    expect(text.stdout).toMatch(/^shown\.bin +2\.1 MB +1 +\S+ +alice +2 +0 +[0-9a-f]{8} /m);
    expect((await swarm.command(bob, ['files', 'no such'])).stderr).toMatch(/^no file matches no such: /);
  });

  test('by `peers`, all or those of one file', async () => {
    const lines = allLines(await swarm.command(alice, ['peers', '--json']));
    expect(lines.map(({ name, endpoint }) => ({ name, endpoint }))).toEqual([
      { name: 'alice', endpoint: link.address },
      { name: 'bob', endpoint: bob.address },
    ]);
    expect(lines[1]).toMatchObject({ type: 'peer', labels: { zone: 'eu-1' } });
    expect(await swarmOf(file)).toEqual(
      ['alice', 'bob'].map((name) => expect.objectContaining({ name, seeder: true, left_bytes: 0 })),
    );
    const text = await swarm.enjambre(['peers', 'shown.bin', '--tracker', swarm.trackerAddress]);
    expect(text.stdout).toMatch(/^bob +[0-9a-f]{8} +127\.0\.0\.1:\d+ +all +2\.1 MB/m);
  });

  test('by the tracker, a line for each event', () => {
    const events = swarm.tracker.stdout
      .map(
        (line) =>
          JSON.parse(line) as {
            event?: string;
            peer?: { name: string };
            file?: { name: string };
            msg: string;
          },
      )
      .filter(({ event, file: about }) => event === 'peer.connected' || about?.name === 'shown.bin');
    const said = events.map(({ event, peer }) => `${event ?? ''} ${peer?.name ?? ''}`);
    expect(said).toEqual(
      expect.arrayContaining(['peer.connected alice', 'peer.connected bob', 'file.shared alice']),
    );
    expect(said.slice(-3)).toEqual(['file.shared alice', 'download.started bob', 'download.completed bob']);
    expect(events.at(-1)?.msg).toBe(`download completed: shown.bin (${file.infohash.slice(0, 8)}) by bob`);
  });
});

describe('the control socket', () => {
  test('is accessible only to its owner, like the keys beside it', async () => {
    const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(join(bob.dataDir, 'agent.sock'))).toBe('600');
    expect(await mode(join(bob.dataDir, 'identity.pem'))).toBe('600');
    expect(await mode(bob.dataDir)).toBe('700');
  });
});

async function untilSeeding({ infohash }: SharedFile): Promise<void> {
  await untilStatus(swarm, bob, {
    ref: infohash,
    is: ({ state }) => state === 'seeding',
    what: 'it to be complete',
  });
}

async function untilListed({ infohash, name }: SharedFile, wanted: boolean): Promise<void> {
  const listed = async (): Promise<boolean> => {
    const lines = allLines(
      await swarm.enjambre(['files', infohash, '--json', '--tracker', swarm.trackerAddress]),
    );
    return lines.length > 0;
  };
  await waitFor(async () => (await listed()) === wanted, { what: `${name} listed: ${wanted}`, everyMs: 200 });
}

async function swarmOf({ infohash }: SharedFile): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const lines = allLines(await swarm.command(bob, ['peers', infohash, '--json']));
  return [...lines].sort((a, b) => String(a['name']).localeCompare(String(b['name'])));
}

/** Flips the bits of one byte of a file. */
async function damage(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
    await file.write(Buffer.from([~(buffer[0] ?? 0) & 0xff]), 0, 1, position);
  } finally {
    await file.close();
  }
}
