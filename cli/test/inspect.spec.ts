import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildMetainfo } from '@enjambre/core/metainfo-build';
import type { Metainfo } from '@enjambre/core/metainfo';
import * as fc from 'fast-check';
import { treeLines } from '../src/render/file-tree.js';
import { cli } from './harness.js';

const PIECE = 16_384;
const piecesRoot = Buffer.alloc(32, 7);

/** A torrent of files of at most one piece, so that nothing needs to be hashed. */
function torrent(paths: Readonly<Record<string, number>>, name = 'release', isFolder = true): Metainfo {
  const files = Object.entries(paths).map(([path, length]) => ({
    path: path.split('/').map((part) => part.replace(/\*$/, '')),
    length,
    ...(length > 0 && { piecesRoot }),
    ...(path.endsWith('*') && { executable: true as const }),
  }));
  return buildMetainfo({ name, pieceLength: PIECE, isFolder, files });
}

const release = torrent({ 'bin/run*': 16_000, 'bin/tools/x': 1, 'data.bin': 5000, empty: 0 });
let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'enjambre-inspect-'));
  await writeFile(join(cwd, 'a.torrent'), release.bytes);
});

afterEach(() => rm(cwd, { recursive: true, force: true }));

describe('enjambre inspect', () => {
  test('shows facts and files of a .torrent, without an agent', async () => {
    const { code, stdout, stderr } = await cli(['inspect', 'a.torrent'], { cwd });

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'release',
        '  size      21 kB, 4 files',
        '  pieces    3 pieces of 16 KiB',
        `  infohash  ${release.infohash}`,
        `  magnet    magnet:?xt=urn:btmh:1220${release.infohash}&dn=release`,
        '',
        '       release/',
        '         bin/',
        '16 kB      run  (executable)',
        '           tools/',
        '  1 B        x',
        ' 5 kB    data.bin',
        '  0 B    empty',
        '',
      ].join('\n'),
    );
  });

  test('shows a single file without a folder', async () => {
    await writeFile(join(cwd, 'one'), torrent({ 'a.bin': 9 }, 'a.bin', false).bytes);
    const { stdout } = await cli(['inspect', 'one'], { cwd });
    expect(stdout).toMatch(/^a\.bin\n  size      9 B, 1 file\n[^]*\n\n9 B  a\.bin\n$/);
  });

  test('prints an object for the torrent and one for each file with --json', async () => {
    const { objects } = await cli(['inspect', 'a.torrent', '--json'], { cwd });

    expect(objects()).toEqual([
      {
        type: 'torrent',
        infohash: release.infohash,
        name: 'release',
        magnet: `magnet:?xt=urn:btmh:1220${release.infohash}&dn=release`,
        size_bytes: 21_001,
        piece_length: PIECE,
        piece_count: 3,
        file_count: 4,
        folder: true,
        whole: true,
      },
      { type: 'entry', path: 'bin/run', size_bytes: 16_000, executable: true },
      { type: 'entry', path: 'bin/tools/x', size_bytes: 1, executable: false },
      { type: 'entry', path: 'data.bin', size_bytes: 5000, executable: false },
      { type: 'entry', path: 'empty', size_bytes: 0, executable: false },
    ]);
  });

  test('shows the beginning of a long tree on a terminal, and all of it with --all and in a pipe', async () => {
    const paths = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`f${index}`, 1]));
    await writeFile(join(cwd, 'long.torrent'), torrent(paths).bytes);
    const onTerminal = { cwd, columns: 80 };
    const { stdout, stderr } = await cli(['inspect', 'long.torrent'], onTerminal);

    expect(stdout.split('\n')).toHaveLength(6 + 50 + 1);
    expect(stderr).toBe('… (`--all` shows all 2,000 files)\n');
    for (const [args, options] of [[['--all'], onTerminal] as const, [[], { cwd }] as const])
      expect((await cli(['inspect', 'long.torrent', ...args], options)).stdout.split('\n')).toHaveLength(
        6 + 2001 + 1,
      );
  });

  test('reads standard input, in any number of chunks', async () => {
    const { bytes } = release;
    const stdin = [bytes.subarray(0, 7), bytes.subarray(7)];
    const { objects } = await cli(['inspect', '-', '--json'], { stdin });
    expect(objects()[0]).toMatchObject({ infohash: release.infohash });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['no bencode', Buffer.from('hello'), /bad metainfo: /],
    ['nothing', Buffer.alloc(0), /bad metainfo: /],
    ['cut short', release.bytes.subarray(0, -1), /bad metainfo: /],
    ['of version 1', Buffer.from('d4:infod4:name1:xee'), /bad metainfo: it is not of version 2/],
    ['too large', Buffer.alloc((64 << 20) + 1), /larger than 64 MiB: it is not a \.torrent file/],
  ])('names the fault of one that is %s, and exits 2', async (_, bytes, fault) => {
    await writeFile(join(cwd, 'bad.torrent'), bytes);
    for (const path of ['bad.torrent', '-']) {
      const { code, stdout, stderr } = await cli(['inspect', path], { cwd, stdin: [bytes] });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(fault);
    }
  });

  test('reports that a file does not exist, or cannot be read', async () => {
    expect(await cli(['inspect', 'none'], { cwd })).toMatchObject({ code: 3 });
    const { code, stderr } = await cli(['inspect', cwd]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^enjambre: cannot read .*directory/);
  });

  test('only ever fails with a named fault, whatever the file contains', async () => {
    const mutation = fc.record({ at: fc.nat(release.bytes.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const bytes = Buffer.from(release.bytes);
        for (const { at, byte } of mutations) bytes[at] = byte;
        const { code, stdout, stderr } = await cli(['inspect', '-'], { stdin: [bytes] });
        if (code === 0) expect(stderr).toBe('');
        else
          expect({ code, stdout, fault: /^enjambre: bad metainfo: /.test(stderr) }).toEqual({
            code: 2,
            stdout: '',
            fault: true,
          });
      }),
    );
  });
});

describe('treeLines', () => {
  const part = fc.constantFrom('a', 'b', 'c');
  const paths = fc
    .array(fc.array(part, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
    // Files end in .f, so that none has the name of a folder.
    .map((all) => Object.fromEntries(all.map((path) => [`${path.join('/')}.f`, path.length * 1000])));

  test('shows path and size of every file, in order, and each folder once', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const metainfo = torrent(all);
        const stack: string[] = [];
        const read: [string, string][] = [];
        let folders = 0;
        for (const line of treeLines(metainfo)) {
          const [size, text] = [line.slice(0, 4).trim(), line.slice(6)];
          const name = text.trimStart();
          stack.length = (text.length - name.length) / 2;
          if (name.endsWith('/')) {
            stack.push(name.slice(0, -1));
            folders += 1;
          } else read.push([[...stack, name].slice(1).join('/'), size]);
        }
        const files = metainfo.files.map(({ path, length }) => [path.join('/'), `${length / 1000} kB`]);
        expect(read).toEqual(files);
        const distinct = metainfo.files.flatMap(({ path }) =>
          path.slice(0, -1).map((_, at) => path.slice(0, at + 1).join('/')),
        );
        expect(folders).toBe(new Set(distinct).size + 1);
      }),
    );
  });
});
