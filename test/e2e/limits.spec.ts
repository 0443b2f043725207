import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { allLines, expectRefused, lastLine, type JsonLine } from './support/outcome.js';
import { hasCopy, KIB, MIB, shareFile, statusOf, untilDone } from './support/sharing.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

const limit = async (agent: SwarmAgent, ...args: string[]): Promise<JsonLine | undefined> =>
  lastLine(await swarm.command(agent, ['limit', ...args, '--json']));

describe('limits', () => {
  test('of an agent come from its flags, change at run time, and are reset by a restart', async () => {
    const alice = await swarm.startAgent('alice', ['--max-upload', '3MB', '--max-download', '500k']);
    expect(await limit(alice)).toEqual({ type: 'limits', max_upload: 3_000_000, max_download: 500_000 });
    const changed = { type: 'limits', max_download: 500_000 };
    expect(await limit(alice, '--max-upload', 'none')).toEqual(changed);
    expect(await limit(alice)).toEqual(changed);
    await alice.process.stop();
    const again = await swarm.startAgent('alice', ['--max-upload', '3MB']);
    expect(await limit(again)).toEqual({ type: 'limits', max_upload: 3_000_000 });
  });

  test('that are invalid stop the start, and the error names the flag', async () => {
    const refused = await swarm.enjambre(['agent', '--max-upload', '10Mbit', '--data-dir', swarm.root]);
    expectRefused(refused, 2, /--max-upload: "10Mbit" is not a rate: write 10MB/);
  });

  test('of a transfer survive kill -9', async () => {
    const alice = await swarm.startAgent('alice');
    const file = await shareFile(swarm, [alice], { name: 'kept.bin', bytes: 100 * KIB });
    const its = { max_upload: 1_000_000, priority: 'high' };
    expect(await limit(alice, 'kept.bin', '--max-upload', '1MB', '--priority', 'high')).toMatchObject(its);
    await alice.process.kill();
    const again = await swarm.startAgent('alice');
    expect(await statusOf(swarm, again, file.infohash)).toMatchObject(its);
  });

  test('slow down a download on both sides; it completes when they are removed', async () => {
    const alice = await swarm.startAgent('alice', ['--max-upload', '1MB']);
    const bob = await swarm.startAgent('bob');
    const file = await shareFile(swarm, [alice], { name: 'held.bin', bytes: 48 * MIB });
    const get = swarm.start(bob, [
      'get',
      file.infohash,
      '--max-download',
      '800k',
      '--priority',
      'low',
      '--json',
    ]);
    await untilDone(get, 1);
    const before = await statusOf(swarm, bob, file.infohash);
    expect(before).toMatchObject({ state: 'downloading', max_download: 800_000, priority: 'low' });
    const unlimited = await limit(bob, file.infohash, '--max-download', 'none');
    expect(unlimited).toMatchObject({ priority: 'low' });
    expect(unlimited).not.toHaveProperty('max_download');
    expect(get.isRunning).toBe(true);
    await limit(alice, '--max-upload', 'none');
    expect(allLines(await finish(get)).at(-1)).toMatchObject({ type: 'done', size_bytes: file.bytes });
    expect(await hasCopy(bob, file)).toBe(true);
  });
});
