import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './support/outcome.js';
import { whyNoMounts, withSmallDisk } from './support/own-mounts.js';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

type Line = Readonly<Record<'type' | 'check' | 'level' | 'message', string>>;

function findings({ json }: CommandResult): Line[] {
  return json.filter(({ type }) => type === 'finding') as unknown as Line[];
}

/** The findings of one check, each with its level in front. */
function saidOf(result: CommandResult, check: string): string[] {
  return findings(result)
    .filter((line) => line.check === check)
    .map(({ level, message }) => `${level} ${message}`);
}

/** Runs it as soon as the agent has its tracker, or an error of it. */
const examined = (agent: SwarmAgent): Promise<CommandResult> => swarm.command(agent, ['doctor', '--json']);

function expectFailed(result: CommandResult): void {
  expect(result.code).toBe(1);
  expect(result.json.at(-1)).toMatchObject({ type: 'error', reason: 'UNHEALTHY', exit_code: 1 });
}

/** Offset of the clock of a process. */
function clockAheadBy(ms: number): { readonly env: Readonly<Record<string, string>> } {
  const source = `const now = Date.now; Date.now = () => now() + ${ms};`;
  return { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` } };
}

describe('enjambre doctor', () => {
  test('has only ok findings in a healthy swarm, and exits with 0', async () => {
    await swarm.startTracker();
    await swarm.startMessaging();
    const [alice, bob] = [await swarm.startAgent('alice'), await swarm.startAgent('bob')];
    const { infohash } = await shareFile(swarm, [alice], { name: 'a.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', infohash, '--json']));
    const result = await waitFor(
      async () => {
        const once = await examined(bob);
        return saidOf(once, 'peers')[0]?.includes('1 peer') && once;
      },
      { what: 'bob to know alice as a peer' },
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const levels = Object.fromEntries(findings(result).map(({ check, level }) => [check, level]));
    // Disk and limits depend on this machine, but must not fail.
    expect(levels).toMatchObject({
      ...{ config: 'ok', agent: 'ok', tracker: 'ok', messaging: 'ok', endpoint: 'ok', peers: 'ok' },
      ...{ clock: 'ok', versions: 'ok' },
    });
    expect(saidOf(result, 'disk')).toHaveLength(2);
    expect(saidOf(result, 'limits').length).toBeGreaterThan(0);
    const { code, stdout } = await swarm.command(bob, ['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +agent +bob answers at unix:/m);
  });

  test('says how to start an agent if none runs, and names each invalid setting', async () => {
    await swarm.startTracker();
    const result = await swarm.enjambre(
      ['doctor', '--json', '--tracker', swarm.trackerAddress, '--max-upload', '3x', '--data-dir', 'none'],
      { env: { ENJAMBRE_AGENT_LISTEN: 'no where', ENJAMBRE_DOWNLAOD_DIR: '/tmp' } },
    );
    expectFailed(result);
    expect(saidOf(result, 'config')).toEqual([
      expect.stringMatching(/^fail ENJAMBRE_AGENT_LISTEN: "no where" is not an address/),
      expect.stringMatching(/^fail --max-upload: "3x" is not a rate/),
      expect.stringMatching(/^warn ENJAMBRE_DOWNLAOD_DIR .*did you mean ENJAMBRE_DOWNLOAD_DIR\?$/),
    ]);
    expect(saidOf(result, 'agent')).toEqual([
      expect.stringMatching(/^fail no agent answers .*enjambre agent/),
    ]);
    expect(saidOf(result, 'tracker')).toEqual([expect.stringMatching(/^ok .* answers in/)]);
    expect(saidOf(result, 'disk').every((said) => said.startsWith('ok') || said.startsWith('warn'))).toBe(
      true,
    );
  });

  test('reports that the tracker is down, and what depends on it', async () => {
    const tracker = await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    await tracker.kill();
    const result = await waitFor(
      async () => {
        const once = await examined(alice);
        return saidOf(once, 'tracker').length > 1 && once;
      },
      { what: 'the agent to notice' },
    );
    expectFailed(result);
    const [reach, session] = saidOf(result, 'tracker');
    expect(reach).toMatch(/^fail .* does not answer \(nothing listens there\): start it/);
    expect(session).toMatch(/^fail the agent has no session with tracker/);
    expect(saidOf(result, 'agent')).toEqual([expect.stringMatching(/^ok alice/)]);
    expect(saidOf(result, 'endpoint')).toEqual([expect.stringMatching(/^warn no tracker has reported/)]);
  });

  test('reports an advertised address that is unreachable, or leads to another agent', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const bob = await swarm.startAgent('bob', ['--advertise', alice.address]);
    const carol = await swarm.startAgent('carol', ['--advertise', '127.0.0.1:1']);
    const once = (agent: SwarmAgent): Promise<CommandResult> =>
      waitFor(
        async () => {
          const result = await examined(agent);
          return result.code === 1 && !/no tracker has reported/.test(result.stdout) && result;
        },
        { what: `${agent.name} to be known` },
      );
    const [ofBob, ofCarol] = [await once(bob), await once(carol)];
    expectFailed(ofBob);
    expect(saidOf(ofBob, 'endpoint')).toEqual([
      expect.stringMatching(/^fail another agent answers at .*: fix --advertise$/),
    ]);
    expectFailed(ofCarol);
    expect(saidOf(ofCarol, 'endpoint')).toEqual([
      expect.stringMatching(
        /^fail this agent does not answer at 127\.0\.0\.1:1, .*\(nothing listens there\)/,
      ),
    ]);
  });

  test('reports a wrong clock, and its offset', async () => {
    await swarm.startTracker([], clockAheadBy(300_000));
    const alice = await swarm.startAgent('alice');
    const result = await examined(alice);
    expectFailed(result);
    expect(saidOf(result, 'clock')).toEqual([
      expect.stringMatching(/^fail the agent's clock is (4m59s|5m|5m1s) behind .*NTP/),
    ]);
  });

  const noMounts = whyNoMounts();
  (noMounts === '' ? test : test.skip)(`reports a full disk ${noMounts}`, async () => {
    await swarm.startTracker();
    const folder = join(swarm.root, 'small');
    const args = ['doctor', '--json', '--tracker', swarm.trackerAddress, '--data-dir', 'd'];
    const through = withSmallDisk(folder, 8 * MIB);
    const result = await finish(swarm.run([...args, '--download-dir', folder], { through }));
    expectFailed(result);
    expect(saidOf(result, 'disk').filter((said) => said.includes(folder))).toEqual([
      expect.stringMatching(
        /^fail the download folder .* is full \(8\.\d+ MB of 8\.\d+ MB are free\): free some space/,
      ),
      expect.stringMatching(/^warn .* tmpfs/),
    ]);
  });
});
