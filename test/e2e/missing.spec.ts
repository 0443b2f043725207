import { join } from 'node:path';
import { readdir, rename } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { expectSentence, lastLine } from './support/outcome.js';
import { asSeenInside, changeMounts, whyNoMounts, withSmallDisk } from './support/own-mounts.js';
import { hasCopy, MIB, shareFile, untilStatus, type Status } from './support/sharing.js';

jest.setTimeout(90_000);

const noMounts = whyNoMounts();
if (noMounts !== '') process.stderr.write(`\nSKIPPED: tests of disks that are not mounted: ${noMounts}\n\n`);
const testWithMounts = noMounts === '' ? test : test.skip;

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

const until = (agent: SwarmAgent, ref: string, state: string): Promise<Status> =>
  untilStatus(swarm, agent, { ref, is: (status) => status.state === state, what: `${ref} to be ${state}` });

describe('content whose disk is missing', () => {
  testWithMounts('while the agent runs is waited for, and nothing is put where it was mounted', async () => {
    const { downloadDir } = swarm.foldersOf('bob');
    const [alice, bobHere] = await Promise.all([
      swarm.startAgent('alice'),
      swarm.startAgent('bob', [], { through: withSmallDisk(downloadDir, 16 * MIB) }),
    ]);
    const bob = asSeenInside(bobHere);
    const file = await shareFile(swarm, [alice], { name: 'file.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    // The disk stays mounted elsewhere.
    const aside = join(swarm.root, 'aside');
    changeMounts(bob, ['mkdir', aside]);
    changeMounts(bob, ['mount', '--bind', downloadDir, aside]);
    changeMounts(bob, ['umount', '--lazy', downloadDir]);
    const { message } = await until(bob, file.infohash, 'missing');
    expect(message).toMatch(/file\.bin is missing: mount its disk or restore it/);
    expect(await readdir(bob.downloadDir)).toEqual([]);

    changeMounts(bob, ['mount', '--bind', aside, downloadDir]);
    await until(bob, file.infohash, 'seeding');
    expect(await hasCopy(bob, file)).toBe(true);
    expect(
      (await untilStatus(swarm, bob, { ref: file.infohash, is: () => true, what: 'status' }))
        .downloaded_bytes,
    ).toBe(file.bytes);
  });

  test('at the start is waited for, reported by `ls` and `get`, and counted', async () => {
    const [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
    const file = await shareFile(swarm, [alice], { name: 'file.bin', bytes: MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    await alice.process.stop();
    await rename(file.path, `${file.path}.away`);
    const again = await swarm.startAgent('alice');
    await until(again, file.infohash, 'missing');
    const { stdout } = await swarm.command(again, ['ls']);
    expect(stdout).toMatch(/file\.bin +missing +\?/);
    const verified = await swarm.command(again, ['verify', '--wait', file.infohash]);
    expect(verified).toMatchObject({ code: 1, stdout: '' });
    expectSentence(verified.stderr, /file\.bin waits for its files: .* is missing: mount its disk/);
    expect((await swarm.command(again, ['explain', file.infohash])).code).toBe(1); // As of every share.

    await rename(`${file.path}.away`, file.path);
    await until(again, file.infohash, 'seeding');
  });
});
