import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './support/outcome.js';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

test('a seeder that is resumed after a pause is reported as sharing again, sharer and downloader alike', async () => {
  const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
  const { infohash } = await shareFile(swarm, [alice], { name: 'file.bin', bytes: MIB });
  lastLine(await swarm.command(bob, ['get', infohash, '--json']));
  for (const agent of [alice, bob]) {
    lastLine(await swarm.command(agent, ['pause', infohash, '--json']));
    await untilEvents(agent, ['withdrawn']);
  }
  // A restart does not lose the fact that it was withdrawn.
  await bob.process.stop();
  const again = await swarm.startAgent('bob');
  for (const agent of [alice, again]) {
    lastLine(await swarm.command(agent, ['resume', infohash, '--json']));
    await untilEvents(agent, ['withdrawn', 'shared']);
  }
});

/** Waits until these are the events of an agent's shares, without the very first one. */
async function untilEvents({ name }: SwarmAgent, wanted: readonly string[]): Promise<void> {
  let last: readonly string[] = [];
  await waitFor(
    () => {
      const lines = swarm.tracker.stdout.map((line) => String((JSON.parse(line) as { msg: unknown }).msg));
      const offers = lines.flatMap((line) => {
        const [, event = '', by] = /^file (shared|withdrawn): .* by (\w+)/.exec(line) ?? [];
        return by === name ? [event] : [];
      });
      last = name === 'alice' ? offers.slice(1) : offers;
      return last.join() === wanted.join();
    },
    { what: `the events of ${name} to be ${wanted.join()}`, timeoutMs: 10_000 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; they were ${last.join()}`, { cause: error });
  });
  expect(last).toEqual(wanted);
}
