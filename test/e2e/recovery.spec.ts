import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, lastLine, type JsonLine } from './support/outcome.js';
import {
  doneBytes,
  hasCopy,
  MIB,
  openLink,
  shareFile,
  startBehind,
  statusOf,
  untilDone,
  untilStatus,
  type Status,
} from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

describe('a downloader', () => {
  test('killed during a download resumes where it stopped, and fetches nothing twice', async () => {
    const link = await openLink(swarm, 8 * MIB);
    const [alice, bob] = await Promise.all([startBehind(swarm, link, 'alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'crash.bin', bytes: 40 * MIB });

    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    const done = await untilDone(get, file.bytes / 2);
    await bob.process.kill();
    const before = await untilStatus(swarm, alice, {
      ref: file.infohash,
      is: ({ peers }) => peers.every(({ connected }) => !connected),
      what: 'the dead downloader to be noticed',
    });
    link.bytesPerSecond = Infinity;
    const again = await swarm.startAgent('bob');

    expect((await finish(get)).code).toBe(0); // The command waited for its agent.
    expect(get.stderr.join()).toContain('lost the connection to the agent');
    expect(await hasCopy(again, file)).toBe(true);
    const after = await statusOf(swarm, alice, file.infohash);
    const missing = file.bytes - done;
    expect(after.uploaded_bytes - before.uploaded_bytes).toBeGreaterThan(0);
    expect(after.uploaded_bytes - before.uploaded_bytes).toBeLessThanOrEqual(missing + MIB);
    expect((await statusOf(swarm, again, file.infohash)).downloaded_bytes).toBeLessThan(1.5 * file.bytes);
  });

  test('killed right after `get --detach` returned resumes the download by itself', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'detached.bin', bytes: 32 * MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--detach', '--json']));
    await bob.process.kill();
    const again = await swarm.startAgent('bob');
    const is = ({ state }: Status): boolean => state === 'seeding';
    await untilStatus(swarm, again, { ref: file.infohash, is, what: 'the download to be complete' });
    expect(await hasCopy(again, file)).toBe(true);
  });

  test('stopped by SIGTERM during a download exits at once with 0, and resumes when started again', async () => {
    const link = await openLink(swarm, 8 * MIB);
    const [alice, bob] = await Promise.all([startBehind(swarm, link, 'alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'stop.bin', bytes: 32 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    const done = await untilDone(get, file.bytes / 3);

    const startMs = Date.now();
    expect(await bob.process.stop()).toBe(0);
    expect(Date.now() - startMs).toBeLessThan(8000);
    const again = await swarm.startAgent('bob');
    expect((await statusOf(swarm, again, file.infohash)).done_bytes).toBeGreaterThanOrEqual(done);
    link.bytesPerSecond = Infinity;
    expect((await finish(get)).code).toBe(0);
    expect(await hasCopy(again, file)).toBe(true);
  });
});

describe('a seeder', () => {
  test('killed during a download is replaced by another', async () => {
    const [alice, carol, bob] = await Promise.all([
      startBehind(swarm, await openLink(swarm, 6 * MIB), 'alice'),
      startBehind(swarm, await openLink(swarm, 6 * MIB), 'carol'),
      swarm.startAgent('bob'),
    ]);
    const file = await shareFile(swarm, [alice, carol], { name: 'two.bin', bytes: 32 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(get, file.bytes / 3);
    await alice.process.kill();
    const done = lastLine(await finish(get));
    expect(await hasCopy(bob, file)).toBe(true);
    const sources = done['sources'] as readonly { name: string }[];
    expect(sources.map(({ name }) => name).sort()).toEqual(['alice', 'carol']);
  });

  test('killed right after `share` returned still has its share, and serves it again by itself', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'again.bin', bytes: 8 * MIB });
    await alice.process.kill();
    const again = await swarm.startAgent('alice');
    await until(async () => (await filesOf(again)).length === 1, 'the share to be announced again');
    expect(lastLine(await swarm.command(bob, ['get', file.infohash, '--json']))).toMatchObject({
      type: 'done',
    });
    expect(await hasCopy(bob, file)).toBe(true);
  });
});

describe('the tracker', () => {
  test('killed and restarted during a download stops nothing, and has all peers and files within 10 s', async () => {
    const link = await openLink(swarm, 6 * MIB);
    const [alice, bob] = await Promise.all([startBehind(swarm, link, 'alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'on.bin', bytes: 64 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(get, file.bytes / 5);

    await swarm.tracker.kill();
    await untilDone(get, doneBytes(get) + 4 * MIB);
    await swarm.startTracker();
    const members = async (): Promise<boolean> => {
      const { json } = await swarm.command(bob, ['files', '--json']);
      return Number(json[0]?.['seeder_count'] ?? 0) + Number(json[0]?.['leecher_count'] ?? 0) === 2;
    };
    await until(members, 'both to be known to the new tracker');
    expect(await filesOf(bob)).toEqual([
      expect.objectContaining({ infohash: file.infohash, name: 'on.bin', size_bytes: file.bytes }),
    ]);

    link.bytesPerSecond = Infinity;
    const done = lastLine(await finish(get));
    expect(done).toMatchObject({ type: 'done', size_bytes: file.bytes });
    expect(await hasCopy(bob, file)).toBe(true);
    await until(async () => (await filesOf(bob))[0]?.['seeder_count'] === 2, 'the new seeder to be known');
  });

  test('notices at once a peer that was killed, and shows it', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    await shareFile(swarm, [alice], { name: 'gone.bin', bytes: MIB });
    await until(async () => (await filesOf(bob)).length === 1, 'the share to be known');
    await alice.process.kill();
    await untilDisconnected('alice', 5000);
    expect(await filesOf(bob)).toEqual([]);
    expect(await peerNames(bob)).toEqual(['bob']);
  });

  test('notices within seconds a peer that hangs, and accepts it again when it continues', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    await shareFile(swarm, [alice], { name: 'hung.bin', bytes: MIB });
    await until(async () => (await peerNames(bob)).length === 2, 'both to be connected');
    alice.process.signal('SIGSTOP');
    await untilDisconnected('alice', 12_000);
    expect(await peerNames(bob)).toEqual(['bob']);
    expect(await filesOf(bob)).toEqual([]);
    alice.process.signal('SIGCONT');
    await until(async () => (await filesOf(bob)).length === 1, 'the peer to come back with its share');
  });

  test('and agents exit at once with 0 on SIGTERM, and say goodbye', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'bye.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    const startMs = Date.now();
    expect(await alice.process.stop()).toBe(0);
    await untilDisconnected('alice', 2000);
    expect(await swarm.tracker.stop()).toBe(0);
    expect(await bob.process.stop()).toBe(0);
    expect(Date.now() - startMs).toBeLessThan(15_000);
    for (const { process } of [alice, bob]) expect(process.stderr).toEqual([]);
  });
});

/** Each attempt starts a process, so not too often. */
function until(ask: () => Promise<boolean>, what: string): Promise<true> {
  return waitFor(ask, { what, timeoutMs: 10_000, everyMs: 200 });
}

async function filesOf(agent: SwarmAgent): Promise<readonly JsonLine[]> {
  return allLines(await swarm.command(agent, ['files', '--json']));
}

async function peerNames(agent: SwarmAgent): Promise<unknown[]> {
  return allLines(await swarm.command(agent, ['peers', '--json'])).map(({ name }) => name);
}

/** Waits for the tracker's console to show it. */
async function untilDisconnected(name: string, timeoutMs: number): Promise<void> {
  const line = await swarm.tracker.waitForLog(
    ({ event, peer, msg }) =>
      event === 'peer.disconnected' && (peer as { name: string }).name === name ? String(msg) : undefined,
    `${name} to be disconnected`,
    timeoutMs,
  );
  expect(line).toMatch(new RegExp(`^peer disconnected: ${name} \\([0-9a-f]{8}\\): \\S`));
}
