import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { lastLine, type JsonLine } from './support/outcome.js';
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

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

describe('several seeders', () => {
  test('each send a fair share, as `get --json` shows', async () => {
    const names = ['alice', 'bob', 'carol'];
    const seeders = await Promise.all(
      names.map(async (name) => startBehind(swarm, await openLink(swarm, 8 * MIB), name)),
    );
    const dave = await swarm.startAgent('dave');
    const file = await shareFile(swarm, seeders, { name: 'fair.bin', bytes: 36 * MIB });

    const sources = sourcesOf(lastLine(await swarm.command(dave, ['get', file.infohash, '--json'])));
    expect(await hasCopy(dave, file)).toBe(true);
    expect([...sources.keys()].sort()).toEqual(names);
    expect([...sources.values()].reduce((sum, bytes) => sum + bytes)).toBe(file.bytes);
    for (const bytes of sources.values()) expect(bytes / file.bytes).toBeGreaterThan(0.2);

    for (const seeder of seeders) {
      const { uploaded_bytes: sent } = await statusOf(swarm, seeder, file.infohash);
      expect(sent).toBeGreaterThanOrEqual(sources.get(seeder.name) ?? Infinity);
    }
  });
});

describe('downloaders', () => {
  test('serve each other while they download, so that the seeder sends little more than one copy', async () => {
    const alice = await startBehind(swarm, await openLink(swarm, 8 * MIB), 'alice');
    const downloaders = await Promise.all(['bob', 'carol'].map((name) => swarm.startAgent(name)));
    const file = await shareFile(swarm, [alice], { name: 'spread.bin', bytes: 32 * MIB });

    const gets = downloaders.map((agent) => swarm.start(agent, ['get', file.infohash, '--json']));
    const [bobs, carols] = (await Promise.all(gets.map(finish))).map((result) => sourcesOf(lastLine(result)));
    for (const agent of downloaders) expect(await hasCopy(agent, file)).toBe(true);
    expect(bobs?.get('carol')).toBeGreaterThan(file.bytes / 10);
    expect(carols?.get('bob')).toBeGreaterThan(file.bytes / 10);
    expect((await statusOf(swarm, alice, file.infohash)).uploaded_bytes).toBeLessThan(1.5 * file.bytes);
  });

  test('exchange all their pieces after the only seeder died, and complete when it is back', async () => {
    const link = await openLink(swarm, 8 * MIB);
    const alice = await startBehind(swarm, link, 'alice');
    const [bob, carol] = await Promise.all([swarm.startAgent('bob'), swarm.startAgent('carol')]);
    const file = await shareFile(swarm, [alice], { name: 'chain.bin', bytes: 32 * MIB });

    const bobs = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(bobs, file.bytes / 2);
    await alice.process.kill();
    const had = await untilStatus(swarm, bob, {
      ref: file.infohash,
      is: ({ peers }) => peers.every(({ connected }) => !connected),
      what: 'the seeder to be missed',
    });
    expect(had.done_bytes).toBeLessThan(file.bytes);

    const carols = swarm.start(carol, ['get', 'chain.bin', '--json']);
    expect(await untilDone(carols, had.done_bytes)).toBe(had.done_bytes);

    link.bytesPerSecond = Infinity;
    await startBehind(swarm, link, 'alice');
    lastLine(await finish(bobs));
    const sources = sourcesOf(lastLine(await finish(carols)));
    expect(sources.get('bob')).toBeGreaterThanOrEqual(had.done_bytes);
    for (const agent of [bob, carol]) expect(await hasCopy(agent, file)).toBe(true);
  });
});

/** Bytes by the name of the sender. */
function sourcesOf(done: JsonLine): Map<string, number> {
  const sources = done['sources'] as readonly {
    readonly name: string;
    readonly downloaded_bytes: number;
  }[];
  return new Map(sources.map(({ name, downloaded_bytes: bytes }) => [name, bytes]));
}
