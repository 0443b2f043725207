import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { expectRefused, lastLine } from './support/outcome.js';
import { KIB, shareFile, statusOf, untilStatus } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;
let carol: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [alice, bob, carol] = await Promise.all([
    swarm.startAgent('alice'),
    swarm.startAgent('bob'),
    swarm.startAgent('carol', ['--seed-ratio', '0']),
  ]);
});

afterAll(() => swarm.stop());

const share = (name: string) => shareFile(swarm, [alice], { name, bytes: 300 * KIB });
const is = (state: string) => ({ is: (its: { state: string }) => its.state === state, what: state });

describe('a download with a seeding limit', () => {
  test('of a ratio of 0 is not seeded after completion; resume seeds it on, also after a restart', async () => {
    const { name } = await share('zero.bin');
    const done = await swarm.command(bob, ['get', name, '--seed-ratio', '0']);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^done /) });
    expect(await untilStatus(swarm, bob, { ref: name, ...is('finished') })).toMatchObject({
      reason: 'SEED_RATIO_REACHED',
      message: expect.stringMatching(/its seed ratio is 0; `enjambre resume [0-9a-f]{8}` seeds it/),
      seed_ratio: 0,
      done_bytes: 300 * KIB,
    });
    expect((await swarm.command(bob, ['ls'])).stdout).toMatch(/zero\.bin +finished +100%/);
    expect((await swarm.command(bob, ['explain', name])).stdout).toMatch(/reason +it is not seeded after/);
    const again = await swarm.command(bob, ['get', name]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^already complete /) });

    // Kept across a crash.
    await bob.process.kill();
    bob = await swarm.startAgent('bob');
    expect(await statusOf(swarm, bob, name)).toMatchObject({ state: 'finished', seed_ratio: 0 });

    const resumed = await swarm.command(bob, ['resume', name]);
    expect(resumed).toMatchObject({ code: 0, stdout: 'zero.bin is resumed: seeding' });
    expect(await statusOf(swarm, bob, name)).not.toHaveProperty('seed_ratio');
  });

  test('seeds until it has sent its ratio, and only until then', async () => {
    const { name, infohash } = await share('once.bin');
    expect((await swarm.command(bob, ['get', name, '--seed-ratio', '1'])).code).toBe(0);
    await swarm.command(alice, ['rm', name]);
    expect((await swarm.command(carol, ['get', infohash])).code).toBe(0);
    expect(await untilStatus(swarm, bob, { ref: name, ...is('finished') })).toMatchObject({
      reason: 'SEED_RATIO_REACHED',
      message: expect.stringContaining('seeding ended: it sent 1.00 × its size, and its limit is 1 ×'),
    });
    const limited = await swarm.command(bob, ['limit', name, '--seed-ratio', '3']);
    expect(limited.stdout).toBe('once.bin: up no limit, down no limit, normal priority, seeds until ratio 3');
    await swarm.command(bob, ['resume', name]);
    expect(await statusOf(swarm, bob, name)).toMatchObject({ state: 'seeding', seed_ratio: 3 });
  });

  test('of a time ends after that time of seeding', async () => {
    const { name } = await share('timed.bin');
    const done = await swarm.command(bob, ['get', name, '--seed-time', '1s', '--json']);
    expect(lastLine(done)).toMatchObject({ type: 'done' });
    const ended = await untilStatus(swarm, bob, { ref: name, ...is('finished') });
    expect(ended).toMatchObject({ reason: 'SEED_TIME_REACHED', seed_time_seconds: 1 });
    expect((ended as unknown as { seeding_seconds: number }).seeding_seconds).toBeGreaterThanOrEqual(1);
  });

  test('of the agent applies to downloads without their own, and not to shares', async () => {
    const { name } = await share('default.bin');
    await swarm.command(carol, ['get', name]);
    await untilStatus(swarm, carol, { ref: name, ...is('finished') });
    await swarm.command(carol, ['get', (await share('own.bin')).name, '--seed-ratio', 'none']);
    const own = await shareFile(swarm, [carol], { name: 'carols.bin', bytes: KIB });
    for (const ref of ['own.bin', own.name])
      expect(await statusOf(swarm, carol, ref)).toMatchObject({ state: 'seeding' });
  });
});

test('shares take limits greater than 0', async () => {
  const name = 'mine.bin';
  const path = join(swarm.root, name);
  await writeRandomFile(path, KIB);
  expectRefused(await swarm.command(alice, ['share', path, '--seed-ratio', '0']), 2, /larger one, or none/);
  expect((await swarm.command(alice, ['share', path, '--seed-time', '1s'])).code).toBe(0);
  await untilStatus(swarm, alice, { ref: name, ...is('finished') });
  // To share it again is to seed it again.
  expect((await swarm.command(alice, ['share', path])).code).toBe(0);
  expect(await statusOf(swarm, alice, name)).toMatchObject({ state: 'seeding' });
});

test.each([
  ['--seed-ratio', 'much', /"much" is not a ratio: write 2 or 1\.5, or none/],
  ['--seed-ratio', '-1', /"-1" is not a ratio/],
  ['--seed-time', 'soon', /"soon" is not a duration/],
])('%s %s is refused', async (flag, value, about) => {
  const result = await swarm.command(bob, ['get', 'any.bin', `${flag}=${value}`]);
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(about);
});
