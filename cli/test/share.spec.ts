import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import {
  LeftOut,
  LeftOutReason,
  LinkPolicy,
  type LeftOutEntry,
  type SharedFile,
  type ShareRequest,
  type ShareResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, INFOHASH, transferOf } from './fake-agent.js';
import { cli, type CliOptions, type CliResult } from './harness.js';

let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start();
});

afterEach(() => agent.stop());

/** Runs a command against the fake agent. */
function on(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return cli(args, { ...options, environment: { ENJAMBRE_AGENT: agent.address, ...options.environment } });
}

describe('enjambre share', () => {
  const shared: ShareResponse = {
    result: {
      $case: 'shared',
      value: {
        transfer: transferOf({ origin: true }),
        magnet: `magnet:?xt=urn:btmh:1220${INFOHASH}&dn=model.bin`,
        alreadyShared: false,
        metainfo: Buffer.from('metainfo'),
        leftOut: LeftOut.fromPartial({}),
      },
    },
  };
  const progress = (doneBytes: bigint): ShareResponse => ({
    result: { $case: 'progress', value: { doneBytes, sizeBytes: 1_000_000n } },
  });
  let asked: ShareRequest[];

  beforeEach(() => {
    asked = [];
    agent.script.share = async function* (request) {
      asked.push(request);
      await Promise.resolve();
      yield progress(0n);
      yield progress(500_000n);
      yield shared;
    };
  });

  test('prints name, size, infohash and magnet link', async () => {
    const { code, stdout } = await on(['share', 'model.bin'], { cwd: '/data' });

    expect(code).toBe(0);
    const links = LinkPolicy.SKIP;
    const request = { path: '/data/model.bin', name: '', pieceLength: 0, limits: undefined };
    expect(asked).toEqual([{ ...request, links, skipUnsupported: false }]);
    expect(stdout.split('\n').slice(-4)).toEqual([
      'model.bin  1 MB',
      `infohash  ${INFOHASH}`,
      `magnet    magnet:?xt=urn:btmh:1220${INFOHASH}&dn=model.bin`,
      '',
    ]);
  });

  test('takes a name and a piece length, and writes the .torrent', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'enjambre-cli-'));
    const args = [
      'share',
      '/data/x',
      '--name',
      'y',
      '--piece-length',
      '16384',
      '--torrent',
      'x.torrent',
      '--json',
    ];
    const { objects } = await on(args, { cwd });
    const written = await readFile(join(cwd, 'x.torrent'), 'utf8');
    await rm(cwd, { recursive: true });

    expect(asked).toMatchObject([{ path: '/data/x', name: 'y', pieceLength: 16_384 }]);
    expect(written).toBe('metainfo');
    expect(objects().map(({ type }) => type)).toEqual(['progress', 'progress', 'shared']);
    expect(objects().at(-1)).toEqual({
      type: 'shared',
      infohash: INFOHASH,
      name: 'model.bin',
      path: '/data/downloads/model.bin',
      size_bytes: 1_000_000,
      magnet: `magnet:?xt=urn:btmh:1220${INFOHASH}&dn=model.bin`,
      already_shared: false,
      torrents: [join(cwd, 'x.torrent')],
    });
  });

  describe('a folder with entries that are not shared', () => {
    const entry = (path: string, reason: LeftOutReason, fault = ''): LeftOutEntry => ({
      path,
      reason,
      fault,
    });
    const leaveOut = (leftOut: Partial<LeftOut>): void => {
      agent.script.share = async function* (request) {
        asked.push(request);
        await Promise.resolve();
        const value = { ...shared.result!.value, leftOut: LeftOut.fromPartial(leftOut) } as SharedFile;
        yield { result: { $case: 'shared', value } };
      };
    };

    test('names each link on standard error and exits 1, although the rest is shared', async () => {
      leaveOut({
        linkCount: 2,
        emptyFolderCount: 1,
        entries: [entry('a/weights', LeftOutReason.LINK), entry('b', LeftOutReason.DANGLING)],
      });
      const { code, stdout, stderr } = await on(['share', '/x']);
      expect(code).toBe(1);
      expect(stdout).toContain(`infohash  ${INFOHASH}`);
      expect(stderr).toContain('not shared: a/weights is a symbolic link\n');
      expect(stderr).toContain('not shared: b is a symbolic link without a target\n');
      expect(stderr).toContain('not shared: 1 empty folder\n');
      expect(stderr).toMatch(/is shared without 2 symbolic links: follow links with --follow-links,/);
    });

    test('names the first of many, and counts the rest', async () => {
      const entries = Array.from({ length: 100 }, (_, i) => entry(`link${i}`, LeftOutReason.OUTSIDE));
      leaveOut({ linkCount: 1000, entries });
      const { code, stderr } = await on(['share', '/x', '--follow-links']);
      expect(code).toBe(1);
      expect(stderr.match(/a target outside the folder/g)).toHaveLength(20);
      expect(stderr).toContain('not shared: 980 more symbolic links\n');
      expect(stderr).toContain('--follow-links-outside');
      expect(asked).toMatchObject([{ links: LinkPolicy.INSIDE }]);
    });

    test('is no failure with --skip-unsupported', async () => {
      leaveOut({
        linkCount: 1,
        unsupportedCount: 1,
        entries: [
          entry('l', LeftOutReason.LINK),
          entry('a\\b', LeftOutReason.NAME, 'holds a path separator'),
        ],
      });
      const args = ['share', '/x', '--skip-unsupported', '--follow-links-outside', '--json'];
      const { code, stderr, objects } = await on(args);
      expect(code).toBe(0);
      expect(stderr).toContain('the name of a\\b holds a path separator');
      expect(asked).toMatchObject([{ links: LinkPolicy.ANYWHERE, skipUnsupported: true }]);
      expect(objects().at(-1)).toMatchObject({
        left_out: {
          link_count: 1,
          unsupported_count: 1,
          entries: [
            { path: 'l', reason: 'LINK', message: 'l is a symbolic link' },
            { path: 'a\\b', reason: 'NAME', message: 'the name of a\\b holds a path separator' },
          ],
        },
      });
    });
  });

  test('does not overwrite a file with a .torrent, and then shares nothing', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'enjambre-share-'));
    await writeFile(join(cwd, 'big.bin'), 'precious');
    const { code, stderr } = await on(['share', 'big.bin', '--torrent', 'big.bin'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/big\.bin already exists: remove it, or choose another path with --torrent/);
    expect(await readFile(join(cwd, 'big.bin'), 'utf8')).toBe('precious');
    expect(asked).toEqual([]);
    await rm(cwd, { recursive: true });
  });

  test('reports that the content is shared when only the .torrent cannot be written', async () => {
    const { code, stderr } = await on(['share', '/x', '--torrent', '/nowhere/x.torrent']);

    expect(code).toBe(1);
    expect(stderr).toContain(
      '\nenjambre: the content is shared, but /nowhere/x.torrent cannot be written (no such file or directory): choose another path with --torrent\n',
    );
  });

  test('refuses an empty name', async () => {
    const { code, stderr } = await on(['share', '/x', '--name', '']);

    expect({ code, stderr, asked }).toEqual({
      code: 2,
      stderr: 'enjambre: --name: a name is missing\n',
      asked: [],
    });
  });

  describe('with --torrent -', () => {
    const bytes = Buffer.from([0x64, 0xff, 0x00, 0xc3, 0x0a]);

    beforeEach(() => {
      agent.script.share = async function* (request) {
        asked.push(request);
        await Promise.resolve();
        yield progress(500_000n);
        yield {
          result: { $case: 'shared', value: { ...shared.result!.value, metainfo: bytes } as SharedFile },
        };
      };
    });

    test('writes the .torrent to standard output, and the rest to standard error', async () => {
      const cwd = await mkdtemp(join(tmpdir(), 'enjambre-share-'));
      const args = ['share', '/x', '--torrent', '-', '--torrent', 'x.torrent'];
      const { code, stdout, stderr } = await on(args, { cwd });
      expect(code).toBe(0);
      expect(Buffer.from(stdout, 'latin1')).toEqual(bytes);
      expect(stderr).toContain(`infohash  ${INFOHASH}\n`);
      expect(stderr).toContain(`torrent   ${join(cwd, 'x.torrent')}\n`);
      expect(await readFile(join(cwd, 'x.torrent'))).toEqual(bytes);
      expect(await readdir(cwd)).toEqual(['x.torrent']);
      await rm(cwd, { recursive: true });
    });

    test.each<[string, string[], CliOptions, RegExp]>([
      ['a terminal', [], { columns: 80 }, /standard output is a terminal: redirect it/],
      ['--json', ['--json'], {}, /--torrent - and --json both write to standard output/],
    ])('does not write it to %s, and shares nothing', async (_, flags, options, message) => {
      const { code, stdout, stderr } = await on(['share', '/x', '--torrent', '-', ...flags], options);
      expect({ code, asked }).toEqual({ code: 2, asked: [] });
      expect(stderr).toMatch(message);
      expect(stdout).not.toContain(bytes.toString('latin1'));
    });
  });

  test.each([
    [['share', '/x', '--torrent', ''], /--torrent: a path is missing/],
    [['share', '-'], /PATH: - \(standard input or output\) is not possible here: write \.\/- for/],
    [['get', 'x', '--output', '-'], /--output: - \(standard input or output\) is not possible here/],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await on(args);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toMatch(message);
  });

  test('is stopped by Ctrl-C, also in the agent', async () => {
    const interrupt = new AbortController();
    let ended: AbortSignal | undefined;
    agent.script.share = async function* (_request, signal) {
      ended = signal;
      yield progress(1n);
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
    };

    const { code, stderr } = await on(['share', '/x'], {
      interrupt,
      onOutput: () => {
        interrupt.abort();
      },
    });

    expect(code).toBe(130);
    expect(stderr).toMatch(/^enjambre: interrupted: \/x was not shared\n$/m);
    while (!ended?.aborted) await new Promise(setImmediate);
  });

  test("reports the agent's refusal", async () => {
    agent.script.share = () => {
      throw new EnjambreError('not-found', 'PATH_NOT_FOUND', '/x is not there: check the path');
    };

    expect(await on(['share', '/x'])).toMatchObject({
      code: 3,
      stderr: 'enjambre: /x is not there: check the path\n',
    });
  });
});
