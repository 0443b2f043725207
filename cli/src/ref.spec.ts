import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildMetainfo } from '@enjambre/core/metainfo-build';
import { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { downloadSource, trackerInfohash, transferRef } from './ref.js';
import type { TorrentSource } from './torrent-file.js';

const metainfo = buildMetainfo({
  name: 'a.bin',
  pieceLength: 16_384,
  isFolder: false,
  files: [{ path: ['a.bin'], length: 3, piecesRoot: Buffer.alloc(32, 1) }],
});
const other = 'ab'.repeat(32);
const catalogue = [
  File.fromPartial({ infohash: metainfo.infohash, name: 'a.bin' }),
  File.fromPartial({ infohash: other, name: 'twin' }),
  File.fromPartial({ infohash: 'cd'.repeat(32), name: 'twin' }),
];
const files = (): Promise<File[]> => Promise.resolve(catalogue);
let cwd: string;
const around = (stdin: readonly Uint8Array[] = [], canAsk = false): TorrentSource => ({
  context: { cwd, stdin: Readable.from(stdin), canAsk },
  signal: new AbortController().signal,
});

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'enjambre-ref-'));
  await writeFile(join(cwd, 'a.torrent'), metainfo.bytes);
  await writeFile(join(cwd, 'bad.torrent'), 'not bencode');
  await writeFile(join(cwd, 'huge.torrent'), '');
  await truncate(join(cwd, 'huge.torrent'), (64 << 20) + 1);
});

afterAll(() => rm(cwd, { recursive: true }));

describe('a ref', () => {
  test('that is the path of a .torrent resolves to its content for a download, else to its infohash', async () => {
    expect(await downloadSource('a.torrent', around())).toEqual({ $case: 'metainfo', value: metainfo.bytes });
    expect(await transferRef('./a.torrent', around())).toBe(metainfo.infohash);
  });

  test.each([
    '5d41402a',
    metainfo.infohash,
    `magnet:?xt=urn:btmh:1220${other}&dn=x.torrent`,
    'model.bin',
    'gone.torrent',
  ])('%s is left to the agent', async (ref) => {
    expect(await downloadSource(ref, around())).toEqual({ $case: 'ref', value: ref });
    expect(await transferRef(ref, around())).toBe(ref);
  });

  test.each([
    ['', 'BAD_REF'],
    ['  ', 'BAD_REF'],
    ['./gone.torrent', 'PATH_NOT_FOUND'],
    ['huge.torrent', 'BAD_METAINFO'],
  ])('"%s" is refused with %s', async (ref, reason) => {
    await expect(downloadSource(ref, around())).rejects.toMatchObject({ reason });
  });

  test('- is the .torrent on standard input, which must be no terminal and not empty', async () => {
    const halves = [metainfo.bytes.subarray(0, 10), metainfo.bytes.subarray(10)];
    expect(await downloadSource('-', around(halves))).toEqual({ $case: 'metainfo', value: metainfo.bytes });
    expect(await transferRef('-', around(halves))).toBe(metainfo.infohash);
    expect(await trackerInfohash('-', around(halves), files)).toBe(metainfo.infohash);
    await expect(downloadSource('-', around(halves, true))).rejects.toThrow(
      /is a terminal: pipe a \.torrent/,
    );
    await expect(downloadSource('-', around())).rejects.toThrow(/is empty: pipe a \.torrent/);
  });

  test('on a standard input that never ends waits until Ctrl-C', async () => {
    const interrupt = new AbortController();
    const stdin = new Readable({ read: () => undefined });
    const reading = downloadSource('-', { context: { cwd, stdin, canAsk: false }, signal: interrupt.signal });
    interrupt.abort();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled', reason: 'INTERRUPTED' });
  });

  test('that names a malformed .torrent is refused by commands that need its infohash', async () => {
    await expect(transferRef('bad.torrent', around())).rejects.toMatchObject({
      name: 'EnjambreError',
      code: 'invalid',
    });
  });
});

describe('a ref for a tracker', () => {
  test.each([
    [metainfo.infohash.toUpperCase(), metainfo.infohash],
    [`magnet:?xt=urn:btmh:1220${other}`, other],
    ['a.torrent', metainfo.infohash],
    ['a.bin', metainfo.infohash],
    ['ABABABAB', other],
  ])('%s is %s', async (ref, infohash) => {
    expect(await trackerInfohash(ref, around(), files)).toBe(infohash);
  });

  test('must mean one file', async () => {
    await expect(trackerInfohash('twin', around(), files)).rejects.toMatchObject({ reason: 'AMBIGUOUS_REF' });
    await expect(trackerInfohash('nobody', around(), files)).rejects.toMatchObject({ reason: 'UNKNOWN_REF' });
  });

  test('does not prefer an exact name to one that looks the same: strangers choose names', async () => {
    const alike = [
      File.fromPartial({ infohash: other, name: 'caf\u00e9' }),
      File.fromPartial({ infohash: metainfo.infohash, name: 'cafe\u0301' }),
    ];
    const lookup = trackerInfohash('caf\u00e9', around(), () => Promise.resolve(alike));
    await expect(lookup).rejects.toMatchObject({ reason: 'AMBIGUOUS_REF' });
  });
});
