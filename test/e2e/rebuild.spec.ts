import { readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { allLines, lastLine } from './support/outcome.js';
import {
  hasCopy,
  MIB,
  openLink,
  shareFile,
  startBehind,
  statusOf,
  untilDone,
  untilStatus,
} from './support/sharing.js';

jest.setTimeout(90_000);

const STATUS = 'download_status.json';
let swarm: ProcessSwarm;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterAll(() => swarm.stop());

/** Infohash and name of each transfer. */
async function transfersOf(agent: SwarmAgent): Promise<unknown[]> {
  return allLines(await swarm.command(agent, ['ls', '--json'])).map(({ infohash, name }) => ({
    infohash,
    name,
  }));
}

test('an agent killed without its status file recovers a share, a complete, a paused and an active download', async () => {
  const link = await openLink(swarm, 8 * MIB);
  const [alice, bob, carol] = await Promise.all([
    startBehind(swarm, link, 'alice'),
    swarm.startAgent('bob'),
    swarm.startAgent('carol'),
  ]);
  const own = await shareFile(swarm, [bob], { name: 'own.bin', bytes: 4 * MIB });
  const whole = await shareFile(swarm, [alice], { name: 'whole.bin', bytes: MIB });
  const halted = await shareFile(swarm, [alice], { name: 'halted.bin', bytes: 24 * MIB });
  const running = await shareFile(swarm, [alice], { name: 'running.bin', bytes: 40 * MIB });
  lastLine(await swarm.command(bob, ['get', whole.infohash, '--json']));
  const paused = swarm.start(bob, ['get', halted.infohash, '--json']);
  await untilDone(paused, halted.bytes / 4);
  await swarm.command(bob, ['pause', halted.infohash]);
  await finish(paused);
  const haltedDone = (await statusOf(swarm, bob, halted.infohash)).done_bytes;
  const get = swarm.start(bob, ['get', running.infohash, '--json']);
  await untilDone(get, MIB);
  const before = await transfersOf(bob);
  const done = await untilDone(get, running.bytes / 2);
  await bob.process.kill();
  link.bytesPerSecond = Infinity;

  const path = join(bob.dataDir, STATUS);
  await truncate(path, 100);
  // And the changes since it was written.
  for (const name of await readdir(bob.dataDir)) {
    if (/^download_status\.\d+\.jsonl$/.test(name)) await rm(join(bob.dataDir, name));
  }
  const torn = await readFile(path);
  const again = await swarm.startAgent('bob');

  const told = await again.process.waitForLog(
    ({ msg }) => (String(msg).startsWith(`${STATUS} was lost`) ? String(msg) : undefined),
    'the log to report it',
  );
  expect(told).toMatch(/4 of 4 rebuilt \(4 from transfers\/\*\.json\)/);
  const [aside] = (await readdir(bob.dataDir)).filter((name) => name.startsWith(`${STATUS}.bad-`));
  expect((await readFile(join(bob.dataDir, aside!))).equals(torn)).toBe(true);
  expect(before).toHaveLength(4);
  expect(await transfersOf(again)).toEqual(before);

  expect((await finish(get)).code).toBe(0);
  expect(await hasCopy(again, running)).toBe(true);
  // Bytes received before are no longer counted: these were received since.
  const { downloaded_bytes: fetched } = await statusOf(swarm, again, running.infohash);
  expect(fetched).toBeGreaterThan(0);
  expect(fetched).toBeLessThanOrEqual(running.bytes - done + MIB);

  expect(await statusOf(swarm, again, halted.infohash)).toMatchObject({
    state: 'paused',
    downloaded_bytes: 0,
  });
  expect((await statusOf(swarm, again, halted.infohash)).done_bytes).toBeGreaterThanOrEqual(haltedDone);
  await swarm.command(again, ['resume', halted.infohash]);
  const seeds = ({ state }: { readonly state: string }): boolean => state === 'seeding';
  for (const { infohash: ref } of [own, whole, halted]) {
    await untilStatus(swarm, again, { ref, is: seeds, what: 'to seed again' });
  }
  expect(await hasCopy(again, halted)).toBe(true);
  expect((await statusOf(swarm, again, whole.infohash)).downloaded_bytes).toBe(0);
  const got = lastLine(await swarm.command(carol, ['get', own.infohash, '--json']));
  expect(got['sources']).toEqual([expect.objectContaining({ name: 'bob', downloaded_bytes: own.bytes })]);
  expect(await hasCopy(carol, own)).toBe(true);
});
