import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { expectRefused, expectSentence, lastLine } from './support/outcome.js';
import { KIB, shareFile, untilStatus } from './support/sharing.js';
import { craftTorrent } from './support/crafted-torrent.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
});

afterAll(() => swarm.stop());

describe('an unknown ref', () => {
  test.each([
    ['an infohash', 'ab'.repeat(32)],
    ['the beginning of an infohash', 'abababab'],
    ['a magnet link', `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}`],
    ['a name', 'nobody has this.bin'],
    ['the path of a .torrent', './gone.torrent'],
  ])('%s: `get` says that it was not found', async (_, ref) => {
    expectRefused(await swarm.command(bob, ['get', ref]), 3, /abababab|nobody has this\.bin|gone\.torrent/);
  });

  test.each(['status', 'pause', 'resume', 'verify', 'rm'])(
    '`%s` says that it was not found',
    async (command) => {
      expectRefused(await swarm.command(bob, [command, 'unheard-of']), 3, /unheard-of/);
    },
  );

  test('with --json is an object, too', async () => {
    const { code, json, stderr } = await swarm.command(bob, ['status', 'unheard-of', '--json']);
    expect(code).toBe(3);
    expect(json).toEqual([
      { type: 'error', reason: 'UNKNOWN_REF', message: expect.any(String), exit_code: 3 },
    ]);
    expectSentence(stderr, /unheard-of/);
  });

  test('a malformed magnet link or ref is a usage error', async () => {
    expectRefused(await swarm.command(bob, ['get', 'magnet:?xt=urn:btih:0123']), 2, /magnet/);
    expectRefused(await swarm.command(bob, ['get', '']), 2, /empty/);
  });

  test('a name of two different files is refused, and each can be downloaded by its infohash', async () => {
    const files = [
      await shareFile(swarm, [alice], { name: 'twin.bin', bytes: 20 * KIB, folder: 'a' }),
      await shareFile(swarm, [bob], { name: 'twin.bin', bytes: 20 * KIB, folder: 'b' }),
    ];
    const carol = await swarm.startAgent('carol');
    const result = await swarm.command(carol, ['get', 'twin.bin']);
    expectRefused(result, 2, /twin\.bin/);
    for (const { infohash } of files) expect(result.stderr).toContain(infohash.slice(0, 12));
    expect((await swarm.command(carol, ['get', files[1]?.infohash ?? ''])).code).toBe(0);
    expect(await carol.process.stop()).toBe(0);
  });
});

describe('what cannot be shared', () => {
  test('a path that does not exist', async () => {
    expectRefused(
      await swarm.command(alice, ['share', 'not/there.bin']),
      3,
      /not\/there\.bin does not exist/,
    );
  });

  test('a path that leads through a file', async () => {
    await writeFile(join(swarm.root, 'plain'), 'x');
    expectRefused(await swarm.command(alice, ['share', 'plain/below.bin']), 3, /plain\/below\.bin/);
  });

  (process.getuid?.() === 0 ? test.skip : test)('a file that the agent may not read', async () => {
    await writeFile(join(swarm.root, 'secret'), 'x', { mode: 0 });
    expectRefused(await swarm.command(alice, ['share', 'secret']), 1, /secret cannot be read/);
  });

  test('an empty file', async () => {
    await writeFile(join(swarm.root, 'empty.bin'), '');
    expectRefused(await swarm.command(alice, ['share', 'empty.bin']), 1, /empty\.bin is empty/);
  });

  test('an empty folder, and one that holds empty files only', async () => {
    await mkdir(join(swarm.root, 'hollow', 'inside'), { recursive: true });
    expectRefused(await swarm.command(alice, ['share', 'hollow']), 1, /hollow contains no data/);
    await writeFile(join(swarm.root, 'hollow', 'inside', 'nothing'), '');
    expectRefused(await swarm.command(alice, ['share', 'hollow']), 1, /hollow contains no data/);
  });

  test('something other than a file or folder', async () => {
    expectRefused(
      await swarm.command(alice, ['share', '/dev/null']),
      1,
      /\/dev\/null is neither a file nor a folder/,
    );
  });

  test.each(['../up.bin', '..', 'a/b', 'back\\slash', '/etc/passwd', 'bell\u0007'])(
    'a file under the name %j',
    async (name) => {
      await writeRandomFile(join(swarm.root, 'named.bin'), 1000);
      expectRefused(await swarm.command(alice, ['share', 'named.bin', '--name', name]), 2, /the name/);
    },
  );

  test('a file in pieces of an impossible length', async () => {
    await writeRandomFile(join(swarm.root, 'pieces.bin'), 1000);
    expectRefused(await swarm.command(alice, ['share', 'pieces.bin', '--piece-length', '20000']), 2, /20000/);
  });

  test('none of them is listed afterwards', async () => {
    const { json } = await swarm.command(alice, ['ls', '--json']);
    expect(json.map(({ name }) => name)).toEqual(['twin.bin']);
  });
});

describe('a .torrent', () => {
  test.each(['..', '.', '../../escaped', '/etc/cron.d/escaped', 'a\\b', 'nul\0', ''])(
    'with a file called %j is refused, and nothing is written',
    async (name) => {
      await writeFile(join(swarm.root, 'bad.torrent'), craftTorrent({ name: 'innocent', files: [name] }));
      await expectRefusedUntouched();
    },
  );

  test.each(['..', '../escaped', '/tmp/escaped'])(
    'called %j is refused, and nothing is written',
    async (name) => {
      await writeFile(join(swarm.root, 'bad.torrent'), craftTorrent({ name, files: [name] }));
      await expectRefusedUntouched();
    },
  );

  test('made like these but with valid names is accepted: only the names were refused', async () => {
    await writeFile(join(swarm.root, 'good.torrent'), craftTorrent({ name: 'innocent', files: ['a'] }));
    const result = await swarm.command(bob, ['get', './good.torrent', '--detach', '-q']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect((await swarm.command(bob, ['rm', 'innocent'])).code).toBe(0);
  });

  test('that is not bencode, truncated, or only v1 is refused', async () => {
    const good = craftTorrent({ name: 'innocent', files: ['a'] });
    const bad = [
      'not bencode',
      good.subarray(0, -9),
      'd4:infod6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee',
    ];
    for (const content of [...bad, '', 'de']) {
      await writeFile(join(swarm.root, 'bad.torrent'), content);
      await expectRefusedUntouched();
    }
  });

  test('that was refused creates no transfer', async () => {
    const { json } = await swarm.command(bob, ['ls', '--json']);
    expect(json.map(({ name }) => name)).toEqual(['twin.bin']);
  });

  async function expectRefusedUntouched(): Promise<void> {
    const before = await readdir(swarm.root, { recursive: true });
    expectRefused(await swarm.command(bob, ['get', './bad.torrent']), 2, /./);
    expect((await readdir(swarm.root, { recursive: true })).filter((path) => !before.includes(path))).toEqual(
      [],
    );
  }
});

describe('nothing is lost', () => {
  test('a download does not overwrite a file in its place', async () => {
    const file = await shareFile(swarm, [alice], { name: 'taken.bin', bytes: 20 * KIB });
    await mkdir(bob.downloadDir, { recursive: true });
    await writeFile(join(bob.downloadDir, 'taken.bin'), 'mine');
    expectRefused(await swarm.command(bob, ['get', 'taken.bin']), 1, /taken\.bin already exists.*--output/);
    expect(await readFile(join(bob.downloadDir, 'taken.bin'), 'utf8')).toBe('mine');

    expect((await swarm.command(bob, ['get', 'taken.bin', '--output', 'free'])).code).toBe(0);
    expect(await readFile(join(swarm.root, 'free', 'taken.bin'))).toEqual(await readFile(file.path));
  });

  test('of two downloads with the same target the second is refused at once', async () => {
    const one = await shareFile(swarm, [alice], { name: 'one-name.bin', bytes: 20 * KIB });
    const other = await shareFile(swarm, [alice], { name: 'other.bin', bytes: 20 * KIB });
    expect((await swarm.command(alice, ['rm', other.infohash])).code).toBe(0);
    const shared = ['share', other.path, '--name', 'one-name.bin', '--json'];
    const infohash = String(lastLine(await swarm.command(alice, shared))['infohash']);
    expect((await swarm.command(bob, ['get', one.infohash, '--detach'])).code).toBe(0);
    const id = one.infohash.slice(0, 8);
    const reason = new RegExp(`one-name\\.bin .* another transfer.*--output, .*or .*enjambre rm ${id}`);
    expectRefused(await swarm.command(bob, ['get', infohash]), 1, reason);
    expect((await swarm.command(bob, ['get', infohash, '--output', 'apart'])).code).toBe(0);
  });

  test('a download into an impossible folder is refused', async () => {
    await shareFile(swarm, [alice], { name: 'no-folder.bin', bytes: 20 * KIB });
    await writeFile(join(swarm.root, 'a-file'), 'x');
    expectRefused(await swarm.command(bob, ['get', 'no-folder.bin', '--output', 'a-file']), 1, /a-file/);
    expectRefused(
      await swarm.command(bob, ['get', 'no-folder.bin', '--output', 'a-file/below']),
      1,
      /a-file/,
    );
  });

  test('`rm --data` never deletes the original of a share', async () => {
    const file = await shareFile(swarm, [alice], { name: 'original.bin', bytes: 20 * KIB });
    expectRefused(
      await swarm.command(alice, ['rm', 'original.bin', '--data']),
      1,
      /was shared from .*original\.bin/,
    );
    expect((await readFile(file.path)).length).toBe(file.bytes);
    await untilStatus(swarm, alice, {
      ref: file.infohash,
      is: ({ state }) => state === 'seeding',
      what: 'it is still shared',
    });
  });
});
