import { rename, rm, truncate, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { hashTree, writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, expectRefused, lastLine } from './support/outcome.js';
import { asSeenInside, changeMounts, fillUp, whyNoMounts, withSmallDisk } from './support/own-mounts.js';
import {
  hasCopy,
  KIB,
  MIB,
  openLink,
  shareFile,
  startBehind,
  untilStatus,
  type SharedFile,
  type Status,
} from './support/sharing.js';

jest.setTimeout(90_000);

const noMounts = whyNoMounts();
if (noMounts !== '') process.stderr.write(`\nSKIPPED: tests of full and read-only disks: ${noMounts}\n\n`);
const describeWithMounts = noMounts === '' ? describe : describe.skip;

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

const get = async (agent: SwarmAgent, ref: string, ...more: string[]): Promise<void> => {
  lastLine(await swarm.command(agent, ['get', ref, '--detach', '--json', ...more]));
};
const resume = async (agent: SwarmAgent, ref: string): Promise<void> => {
  expect(await swarm.command(agent, ['resume', ref])).toMatchObject({ code: 0, stderr: '' });
};
const until = (agent: SwarmAgent, ref: string, state: string): Promise<Status> =>
  untilStatus(swarm, agent, { ref, is: (status) => status.state === state, what: `${ref} to be ${state}` });
const untilMore = (agent: SwarmAgent, ref: string, bytes: number): Promise<Status> =>
  untilStatus(swarm, agent, { ref, is: ({ done_bytes }) => done_bytes >= bytes, what: `${bytes} bytes` });

/** Creates a folder of many files and shares it. */
async function shareFolder(
  seeder: SwarmAgent,
  { name, files, bytes }: { name: string; files: number; bytes: number },
): Promise<{ path: string; infohash: string }> {
  const path = join(swarm.root, 'originals', name);
  for (let file = 0; file < files; file++)
    await writeRandomFile(join(path, `${file % 10}`, `${file}.bin`), bytes + file);
  const shared = lastLine(await swarm.command(seeder, ['share', path, '--json']));
  return { path, infohash: String(shared['infohash']) };
}

describeWithMounts('a download to a separate disk', () => {
  test('stops with the reason when the disk is full, others continue, and with free space it completes', async () => {
    // Slow enough for the other to be active after all that, also on a busy machine.
    const link = await openLink(swarm, MIB / 4);
    const { downloadDir } = swarm.foldersOf('bob');
    const [alice, carol, bobHere] = await Promise.all([
      swarm.startAgent('alice'),
      startBehind(swarm, link, 'carol'),
      swarm.startAgent('bob', [], { through: withSmallDisk(downloadDir, 5 * MIB) }),
    ]);
    const bob = asSeenInside(bobHere);
    const [big, other] = await Promise.all([
      shareFile(swarm, [alice], { name: 'big.bin', bytes: 4 * MIB }),
      shareFile(swarm, [carol], { name: 'other.bin', bytes: 24 * MIB }),
    ]);
    await get(bob, other.infohash, '--output', join(swarm.root, 'elsewhere'));
    const huge = await shareFile(swarm, [alice], { name: 'huge.bin', bytes: 6 * MIB });
    const tooMuch = await swarm.command(bob, ['get', huge.infohash]);
    expectRefused(tooMuch, 1, /huge\.bin needs 6\.3 MB in .*, where 5\.2 MB are free: make room/);
    await get(bob, big.infohash, '--max-download', '500kB');
    // This was not predictable when it started.
    await untilMore(bob, big.infohash, 1);
    await fillUp(join(bob.downloadDir, 'filler'));
    lastLine(await swarm.command(bob, ['limit', big.infohash, '--max-download', 'none', '--json']));
    const { reason, message } = await until(bob, big.infohash, 'failed');
    expect(reason).toBe('DISK_FULL');
    expect(message).toMatch(/big\.bin: the disk is full: make room and resume$/);
    const { json } = await swarm.command(bob, ['events', '--json']);
    const failure = json.find(({ type }) => type === 'enjambre.download.failed');
    expect(failure?.['data']).toMatchObject({ file: { name: 'big.bin' }, reason, message });
    expect(await until(bob, other.infohash, 'downloading')).not.toHaveProperty('message');
    link.bytesPerSecond = Infinity;
    await until(bob, other.infohash, 'seeding');
    expect(await hasCopy({ ...bob, downloadDir: join(swarm.root, 'elsewhere') }, other)).toBe(true);

    const noRoom = /needs .* where 0 B are free: make room/;
    const again = await swarm.command(bob, ['resume', big.infohash, '--json']);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(noRoom) });
    expect(again.json.at(-1)).toMatchObject({ type: 'error', reason: 'DISK_FULL' });
    expect((await until(bob, big.infohash, 'failed')).message).toMatch(noRoom);
    changeMounts(bob, ['mount', '-o', `remount,size=${16 * MIB}`, downloadDir]);
    await resume(bob, big.infohash);
    const done = await until(bob, big.infohash, 'seeding');
    expect(done).toMatchObject({ done_bytes: big.bytes });
    expect(done).not.toHaveProperty('message');
    expect(await hasCopy(bob, big)).toBe(true);
  });

  test('stops with the reason when the disk is read-only, and completes when it is writable again', async () => {
    const link = await openLink(swarm, 2 * MIB);
    const alice = await startBehind(swarm, link, 'alice');
    const { downloadDir } = swarm.foldersOf('bob');
    const bob = asSeenInside(
      await swarm.startAgent('bob', [], { through: withSmallDisk(downloadDir, 64 * MIB) }),
    );
    const tree = await shareFolder(alice, { name: 'tree', files: 100, bytes: 64 * KIB });
    await get(bob, tree.infohash);
    await untilMore(bob, tree.infohash, MIB);
    // Not a remount: the kernel does not make a file system read-only while a file is open for writing.
    changeMounts(bob, ['mount', '--bind', downloadDir, downloadDir]);
    changeMounts(bob, ['mount', '-o', 'remount,bind,ro', downloadDir]);
    const { reason, message } = await until(bob, tree.infohash, 'failed');
    expect(reason).toBe('READ_ONLY');
    expect(message).toMatch(/\.bin: the file system is read-only: mount it writable and resume$/);
    changeMounts(bob, ['umount', '--lazy', downloadDir]);
    link.bytesPerSecond = Infinity;
    await resume(bob, tree.infohash);
    await until(bob, tree.infohash, 'seeding');
    expect(await hashTree(join(bob.downloadDir, 'tree'))).toEqual(await hashTree(tree.path));
  });
});

describeWithMounts('an agent whose data folder is full', () => {
  test('continues its downloads, reports it, and saves everything when there is free space', async () => {
    const link = await openLink(swarm, 4 * MIB);
    const alice = await startBehind(swarm, link, 'alice');
    const { dataDir } = swarm.foldersOf('bob');
    const bob = asSeenInside(await swarm.startAgent('bob', [], { through: withSmallDisk(dataDir, MIB) }));
    const file = await shareFile(swarm, [alice], { name: 'on.bin', bytes: 64 * MIB });
    await get(bob, file.infohash);
    await untilMore(bob, file.infohash, MIB);
    await fillUp(join(bob.dataDir, 'filler'));
    const full = await untilStatus(swarm, bob, {
      ref: file.infohash,
      is: ({ message }) => message !== undefined,
      what: 'the reason',
    });
    expect(full).toMatchObject({ state: 'downloading', reason: 'DISK_FULL' });
    expect(full.message).toMatch(
      /^the download continues, but progress cannot be saved: .*: the disk is full: make room$/,
    );
    await bob.process.waitForLog(
      ({ msg }) => String(msg).startsWith('download_status.json cannot be written'),
      'the log to say so',
    );
    await untilMore(bob, file.infohash, full.done_bytes + MIB);
    // It is done, but a crash might undo it: the command reports that.
    for (const [command, state] of [
      ['pause', 'paused'],
      ['resume', 'downloading'],
    ] as const) {
      const said = await swarm.command(bob, [command, file.infohash]);
      expectRefused(said, 1, /the disk is full: make room/);
      await until(bob, file.infohash, state);
    }

    await rm(join(bob.dataDir, 'filler'));
    link.bytesPerSecond = Infinity;
    const done = await until(bob, file.infohash, 'seeding');
    expect(done).not.toHaveProperty('message');
    expect(done.downloaded_bytes).toBeLessThan(1.5 * file.bytes);
    expect(await hasCopy(bob, file)).toBe(true);
    const noted = async (): Promise<unknown> => {
      const text = await readFile(join(bob.dataDir, 'download_status.json'), 'utf8');
      const { transfers } = JSON.parse(text) as { transfers: Record<string, unknown>[] };
      return transfers.length === 1 && transfers[0]?.['complete'] === true && transfers[0];
    };
    // It follows some time after the journal, and is the first write of this agent that finds free space.
    const written = { what: 'the status file to say so', retryErrors: true, timeoutMs: 60_000 };
    expect(await waitFor(noted, written)).toMatchObject({
      name: 'on.bin',
      complete: true,
      recheck: false,
    });
  });
});

describe('an active download', () => {
  test('whose folder is moved away stops with the reason, and completes when it is back; others continue', async () => {
    const link = await openLink(swarm, MIB);
    const [alice, bob] = await Promise.all([startBehind(swarm, link, 'alice'), swarm.startAgent('bob')]);
    const moved = await shareFile(swarm, [alice], { name: 'moved.bin', bytes: 32 * MIB });
    const other = await shareFile(swarm, [alice], { name: 'other.bin', bytes: 32 * MIB });
    await get(bob, moved.infohash);
    // Slow enough to be active after all that, also on a busy machine.
    await get(bob, other.infohash, '--output', join(swarm.root, 'elsewhere'), '--max-download', '500kB');
    const incomplete = join(bob.downloadDir, '.incomplete');
    await untilMore(bob, moved.infohash, MIB);
    await rename(incomplete, join(swarm.root, 'aside'));
    const { reason, message } = await until(bob, moved.infohash, 'missing');
    expect(reason).toBe('CONTENT_MISSING');
    expect(message).toMatch(/moved\.bin is missing: mount its disk or restore it, and the download resumes/);
    expect(await until(bob, other.infohash, 'downloading')).not.toHaveProperty('message');
    lastLine(await swarm.command(bob, ['limit', other.infohash, '--max-download', 'none', '--json']));

    await rename(join(swarm.root, 'aside'), incomplete);
    const back = await until(bob, moved.infohash, 'downloading');
    expect(back.done_bytes).toBeGreaterThanOrEqual(MIB);
    link.bytesPerSecond = Infinity;
    await until(bob, moved.infohash, 'seeding');
    expect(await hasCopy(bob, moved)).toBe(true);
    await until(bob, other.infohash, 'seeding');
  });
});

describe('agents that may open few files', () => {
  test('share and download a folder of 500', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    // Not from the start: Node opens a hundred files at once to load a program.
    for (const { process } of [alice, bob])
      expect(await swarm.spawn('prlimit', ['--nofile=80', `--pid=${process.pid}`]).wait()).toBe(0);
    const tree = await shareFolder(alice, { name: 'many', files: 500, bytes: 3 * KIB });
    expect(await swarm.command(bob, ['get', tree.infohash, '--json'])).toMatchObject({ code: 0 });
    expect(await hashTree(join(bob.downloadDir, 'many'))).toEqual(await hashTree(tree.path));
    expect(await swarm.command(bob, ['verify', '--wait', tree.infohash])).toMatchObject({ code: 0 });
  });
});

describe('a seeder', () => {
  test('whose files are deleted, truncated or replaced reports it, sends no bad bytes, and serves others', async () => {
    const link = await openLink(swarm, MIB / 2);
    const [alice, bob] = await Promise.all([startBehind(swarm, link, 'alice'), swarm.startAgent('bob')]);
    const names = ['deleted.bin', 'cut.bin', 'replaced.bin', 'other.bin'] as const;
    const [deleted, cut, replaced, other] = (await Promise.all(
      names.map((name) => shareFile(swarm, [alice], { name, bytes: 6 * MIB })),
    )) as [SharedFile, SharedFile, SharedFile, SharedFile];
    const bad = [deleted, cut, replaced];
    await Promise.all([...bad, other].map(({ infohash }) => get(bob, infohash)));
    await untilMore(bob, deleted.infohash, 1);
    await rename(deleted.path, `${deleted.path}.aside`);
    await truncate(cut.path, MIB);
    await writeRandomFile(`${replaced.path}.new`, replaced.bytes);
    await rename(`${replaced.path}.new`, replaced.path);

    expect((await until(alice, deleted.infohash, 'missing')).message).toMatch(
      /deleted\.bin is missing: mount its disk or restore it, and it is shared again/,
    );
    for (const { infohash } of [cut, replaced])
      expect((await until(alice, infohash, 'failed')).message).toMatch(
        /no longer what was shared|shorter than before/,
      );
    link.bytesPerSecond = Infinity;
    await until(bob, other.infohash, 'seeding');
    expect(await hasCopy(bob, other)).toBe(true);
    for (const { infohash } of bad)
      expect((await until(bob, infohash, 'downloading')).message).toMatch(
        /no other peer has it|no peer answers/,
      );
    expect(allLines(await swarm.command(bob, ['peers', '--banned', '--json']))).toEqual([]);

    await rename(`${deleted.path}.aside`, deleted.path);
    await until(bob, deleted.infohash, 'seeding');
    expect(await hasCopy(bob, deleted)).toBe(true);
  });
});
