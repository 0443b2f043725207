import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { expectRefused } from './support/outcome.js';
import { whyNoMounts, withSmallDisk } from './support/own-mounts.js';

jest.setTimeout(60_000);

const noMounts = whyNoMounts();
if (noMounts !== '') process.stderr.write(`\nSKIPPED: a first start on a full disk: ${noMounts}\n\n`);
const testWithMounts = noMounts === '' ? test : test.skip;

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

describe('the first start of an agent', () => {
  testWithMounts(
    'on a full disk fails with the reason, and leaves nothing that the next stumbles over',
    async () => {
      const folder = join(swarm.root, 'disk');
      // The second start, in the same mounts, has free space.
      const script = `
      dd if=/dev/zero of="${folder}/filler" bs=4k 2>/dev/null
      "$@"; echo "exit code $?"; ls -A "${folder}/data"; echo "that is all"
      rm "${folder}/filler"; exec "$@"`;
      const through = [...withSmallDisk(folder, 1 << 20), 'sh', '-c', script, 'sh'];
      const args = [
        'agent',
        '--data-dir',
        join(folder, 'data'),
        '--listen',
        '127.0.0.1:0',
        '--log-format',
        'json',
      ];
      const agent = swarm.run(args, { through });
      const peer = await agent.waitForLog(
        ({ peer: its }) => (its as { id?: string } | undefined)?.id,
        'the agent to start',
      );
      expect(peer).toMatch(/^[0-9a-f]{64}$/);
      expect(agent.stderr.join('\n')).toMatch(/^enjambre: .*no space left on device.*/);
      const said = agent.stdout.slice(0, agent.stdout.indexOf('that is all'));
      expect(said[0]).toBe('exit code 1');
      expect(said.slice(1).filter((name) => /identity|token/.test(name))).toEqual([]);
    },
  );

  test('replaces an empty identity, readable only by its owner', async () => {
    const { dataDir } = swarm.foldersOf('alice');
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'identity.pem'), '');
    await chmod(join(dataDir, 'identity.pem'), 0o644);
    await swarm.startTracker();
    await swarm.startAgent('alice');
    expect(await readFile(join(dataDir, 'identity.pem'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect((await stat(join(dataDir, 'identity.pem'))).mode & 0o777).toBe(0o600);
  });

  test('does not replace an identity that it cannot read', async () => {
    const { dataDir } = swarm.foldersOf('alice');
    await mkdir(dataDir);
    const file = join(dataDir, 'identity.pem');
    await writeFile(file, '-----BEGIN PRIVATE KEY-----\nMC4CAQ');
    const command = await finish(swarm.run(['agent', '--data-dir', dataDir, '--insecure']));
    expectRefused(
      command,
      1,
      /identity\.pem contains no Ed25519 key .*: restore it, or remove it to get a new identity/,
    );
    expect(await readFile(file, 'utf8')).toBe('-----BEGIN PRIVATE KEY-----\nMC4CAQ');
  });
});

test('an inbox on a disk that was temporarily full has all stored messages, and nothing else', async () => {
  const adapter = new URL('../../services/peer-agent/dist/adapters/state/inbox-file.js', import.meta.url);
  // A file size limit fails like a full disk: in the middle of a line.
  const program = `
    import { execFileSync } from 'node:child_process';
    const { InboxFile } = await import(${JSON.stringify(adapter.href)});
    const log = { error: (...said) => console.error(...said) };
    const inbox = new InboxFile(process.argv[1], log);
    const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':']);
    let kept = 0;
    const say = async (room) => {
      await inbox.append([{ type: 'room', room, joined: true }]);
      kept += 1;
    };
    limit(1000);
    let failures = 0;
    for (let n = 0; failures < 3; n += 1) await say('room ' + n).catch(() => (failures += 1));
    limit('unlimited');
    await say('after');
    await inbox.close();
    const again = await new InboxFile(process.argv[1], log).load();
    console.log(JSON.stringify({ kept, found: again.length, last: again.at(-1).room }));`;
  const args = ['--input-type=module', '-e', program, swarm.root];
  const child = await finish(swarm.spawn(process.execPath, args, { env: { NODE_OPTIONS: undefined } }));
  expect(child.stderr).toBe('');
  const { kept, found, last } = child.json[0] ?? {};
  expect(found).toBe(kept);
  expect(kept).toBeGreaterThan(10);
  expect(last).toBe('after');
});
