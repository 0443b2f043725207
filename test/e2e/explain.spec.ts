import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './support/outcome.js';
import { hasCopy, MIB, shareFile, statusOf, untilDone, untilStatus } from './support/sharing.js';

jest.setTimeout(90_000);

interface Explanation {
  readonly total_seconds: number;
  readonly spent: readonly {
    readonly cause: string;
    readonly spent_seconds: number;
    readonly stalled_seconds: number;
  }[];
  readonly until_metainfo_seconds: number;
  readonly until_first_byte_seconds: number;
  readonly sources: readonly {
    readonly name: string;
    readonly distance?: string;
    readonly downloaded_bytes: number;
  }[];
  readonly reconnection_count: number;
  readonly conclusion: string;
}

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

async function explain(agent: SwarmAgent, ref: string): Promise<Explanation> {
  const line = lastLine(await swarm.command(agent, ['explain', ref, '--json']));
  expect(line).toMatchObject({ type: 'explanation' });
  const explanation = line as unknown as Explanation;
  const sum = explanation.spent.reduce((seconds, spent) => seconds + spent.spent_seconds, 0);
  expect(sum).toBeCloseTo(explanation.total_seconds, 3);
  return explanation;
}

const mostOf = ({ spent }: Explanation): string => spent[0]?.cause ?? 'nothing';

describe('explain', () => {
  test('names its own limit, during and after the download, and after a restart', async () => {
    const alice = await swarm.startAgent('alice');
    const bob = await swarm.startAgent('bob');
    const file = await shareFile(swarm, [alice], { name: 'limited.bin', bytes: 8 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--max-download', '2MB', '--json']);
    await untilDone(get, 2 * MIB);
    expect(mostOf(await explain(bob, file.infohash))).toBe('own_limit');
    expect((await finish(get)).code).toBe(0);
    const ended = await explain(bob, file.infohash);
    expect(mostOf(ended)).toBe('own_limit');
    expect(ended.conclusion).toMatch(
      /^its own rate limit was the bottleneck for \d+ % of the time: see --max-download/,
    );
    expect(ended.sources).toMatchObject([{ name: 'alice', downloaded_bytes: 8 * MIB }]);
    expect(ended.until_metainfo_seconds).toBeLessThanOrEqual(ended.until_first_byte_seconds);
    await bob.process.stop();
    const again = await swarm.startAgent('bob');
    const later = await explain(again, file.infohash);
    expect(later.total_seconds).toBeCloseTo(ended.total_seconds, 1);
    expect(later.conclusion).toBe(ended.conclusion);
    const text = await swarm.command(again, ['explain', file.infohash]);
    expect(text.stdout).toMatch(/limited by its own rate limit +\d+\.\d %/);
    expect(text.stdout).toMatch(/total +100\.0 %/);
  });

  test('names a slow source', async () => {
    const alice = await swarm.startAgent('alice', ['--max-upload', '2MB']);
    const bob = await swarm.startAgent('bob');
    const file = await shareFile(swarm, [alice], { name: 'slow.bin', bytes: 6 * MIB });
    expect((await swarm.command(bob, ['get', file.infohash])).code).toBe(0);
    const explanation = await explain(bob, file.infohash);
    expect(mostOf(explanation)).toBe('sources');
    expect(explanation.conclusion).toMatch(
      /^the sources were the bottleneck for \d+ % of the time: alice alone sent/,
    );
  });

  test('counts the time in which the only source was dead as stalled time without a source', async () => {
    const alice = await swarm.startAgent('alice', ['--max-upload', '4MB']);
    const bob = await swarm.startAgent('bob');
    const file = await shareFile(swarm, [alice], { name: 'orphan.bin', bytes: 12 * MIB });
    const get = swarm.start(bob, ['get', file.infohash, '--json']);
    await untilDone(get, 2 * MIB);
    await alice.process.kill();
    let spent: Awaited<ReturnType<typeof explain>>['spent'] = [];
    const isLost = async (): Promise<boolean> => {
      ({ spent } = await explain(bob, file.infohash));
      return spent.some(({ cause, stalled_seconds: stalled }) => cause === 'no_source' && stalled > 1);
    };
    await untilStatus(swarm, bob, { ref: file.infohash, is: () => true, what: 'an answer' });
    await waitFor(isLost, { what: 'a second without a source', timeoutMs: 60_000, seen: () => spent });
    await swarm.startAgent('alice');
    expect((await finish(get)).code).toBe(0);
    const explanation = await explain(bob, file.infohash);
    expect(explanation.spent.find(({ cause }) => cause === 'no_source')?.stalled_seconds).toBeGreaterThan(1);
    expect(explanation.reconnection_count).toBeGreaterThan(0);
    expect(await hasCopy(bob, file)).toBe(true);
  });

  test('is refused for a share', async () => {
    const alice = await swarm.startAgent('alice');
    const file = await shareFile(swarm, [alice], { name: 'own.bin', bytes: MIB });
    const refused = await swarm.command(alice, ['explain', file.infohash]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/own\.bin was shared by this agent, not downloaded/);
  });
});

describe('bytes that cross zones', () => {
  test('are counted on both sides, and shown by status', async () => {
    const alice = await swarm.startAgent('alice', ['--label', 'zone=a']);
    const bob = await swarm.startAgent('bob', ['--label', 'topology.kubernetes.io/zone=b']);
    const file = await shareFile(swarm, [alice], { name: 'far.bin', bytes: MIB });
    expect((await swarm.command(bob, ['get', file.infohash])).code).toBe(0);
    expect(await statusOf(swarm, bob, file.infohash)).toMatchObject({
      traffic: { far: { downloaded_bytes: MIB, uploaded_bytes: 0 } },
      peers: [{ name: 'alice', distance: 'far' }],
    });
    expect(await statusOf(swarm, alice, file.infohash)).toMatchObject({
      traffic: { far: { downloaded_bytes: 0, uploaded_bytes: MIB } },
      peers: [{ name: 'bob', distance: 'far' }],
    });
    await alice.process.stop();
    const carol = await swarm.startAgent('carol', ['--label', 'zone=b']);
    expect((await swarm.command(carol, ['get', file.infohash])).code).toBe(0);
    const text = (await swarm.command(carol, ['status', file.infohash])).stdout;
    expect(text).toMatch(/crossed +zones: 0 B of 1\.05 MB received, 0 B of 0 B sent/);
    expect((await explain(carol, file.infohash)).sources.map(({ distance }) => distance)).toEqual(['zone']);
  });
});
