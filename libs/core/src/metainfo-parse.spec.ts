import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { dict, goodTree, hashFile, someBytes } from '../test/torrents.js';
import { decodeBencode, encodeBencode } from './bencode.js';
import { type BencodeDict, type BencodeValue } from './bencode-value.js';
import { fileRoot } from './file-root.js';
import { buildMetainfo } from './metainfo-build.js';
import { parseInfoHash } from './ids.js';
import { UnusableTorrent } from './metainfo.js';
import { runSteps } from './steps.js';
import { parseMetainfo, parseMetainfoSteps, parseTorrent } from './metainfo-parse.js';

const PIECE = 32768;
const ROOT = Buffer.alloc(32, 7);

/** A leaf of the file tree. */
function leaf(values: Record<string, BencodeValue>): BencodeDict {
  return dict({ '': dict(values) });
}

const smallFile = leaf({ length: 5, 'pieces root': ROOT });
const info = {
  'file tree': dict({ a: smallFile }),
  'meta version': 2,
  name: Buffer.from('t'),
  'piece length': PIECE,
};

function torrent(changes: Record<string, BencodeValue> = {}, layers: BencodeValue = dict({})): Buffer {
  return encodeBencode(dict({ info: dict({ ...info, ...changes }), 'piece layers': layers }));
}

function infoHashOf(bytes: Buffer): string {
  const raw = (decodeBencode(bytes) as BencodeDict).raw('info');
  return createHash('sha256').update(raw).digest('hex');
}

function without(key: keyof typeof info): Buffer {
  const rest = Object.entries(info).filter(([name]) => name !== key);
  return encodeBencode(dict({ info: dict(Object.fromEntries(rest)) }));
}

describe('a metainfo', () => {
  test('is parsed, with an infohash over the original bytes of its info', () => {
    const extra = { 'x-unknown': [1n << 60n, dict({ y: 1 })] };
    const metainfo = parseMetainfo(torrent(extra));
    const infoBytes = encodeBencode(dict({ ...info, ...extra }));
    expect(metainfo.infohash).toBe(createHash('sha256').update(infoBytes).digest('hex'));
    expect(metainfo.files).toEqual([{ path: ['a'], length: 5, piecesRoot: ROOT }]);
    expect(metainfo).toMatchObject({ name: 't', pieceLength: PIECE, isFolder: true, totalLength: 5 });
  });

  test('of another infohash than the expected one is refused before its files are looked at', () => {
    const { infohash } = parseMetainfo(torrent());
    expect(runSteps(parseMetainfoSteps(torrent(), infohash)).infohash).toBe(infohash);
    const faulty = torrent({ 'file tree': dict({ '..': smallFile }), name: 1 });
    const error = faultOf(() => runSteps(parseMetainfoSteps(faulty, infohash)));
    expect(error).toMatchObject({
      reason: 'BAD_METAINFO',
      message: 'bad metainfo: it belongs to another file',
    });
  });

  test('that the expected infohash authenticates, but that cannot be used, is told from a false one', () => {
    const hashOf = (bytes: Buffer) => parseInfoHash(infoHashOf(bytes));
    const unnamed = torrent({ name: 1 });
    const error = faultOf(() => runSteps(parseMetainfoSteps(unnamed, hashOf(unnamed))));
    expect(error).toBeInstanceOf(UnusableTorrent);
    expect(error).toMatchObject({ code: 'invalid', reason: 'UNUSABLE_TORRENT' });
    expect(error.message).toContain(
      'the torrent itself cannot be used: bad metainfo: it has no name in UTF-8',
    );

    const layerless = torrent({
      'file tree': dict({ a: leaf({ length: 3 * PIECE, 'pieces root': ROOT }) }),
    });
    expect(faultOf(() => runSteps(parseMetainfoSteps(layerless, hashOf(layerless))))).toMatchObject({
      reason: 'BAD_METAINFO',
    });
  });

  test('of far too many pieces is refused by its lengths alone, before its files are decoded', () => {
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [
        `f${String(index).padStart(4, '0')}`,
        leaf({ length: 1400 * PIECE, 'pieces root': ROOT }),
      ]),
    );
    // A name that looks like an entry does not count.
    files['6:lengthi9e'] = smallFile;
    const bytes = torrent({ 'file tree': dict(files) });
    const steps = parseMetainfoSteps(bytes, parseInfoHash(infoHashOf(bytes)));
    const spy = jest.spyOn(Buffer, 'from');
    const error = faultOf(() => runSteps(steps));
    const copies = spy.mock.calls.filter(([from]) => (from as unknown) === bytes);
    spy.mockRestore();
    expect(error.message).toContain('it has 4200001 pieces, more than 4194304');
    expect(copies).toHaveLength(0);
  });

  test('of another infohash is refused without decoding a single value of it', () => {
    const { infohash } = parseMetainfo(torrent());
    const lists = Buffer.alloc(2_000_000, 'le');
    const bytes = Buffer.concat([Buffer.from('d4:infod1:xl'), lists, Buffer.from('ee1:zi1ee')]);
    const before = process.memoryUsage().heapUsed;
    const error = faultOf(() => runSteps(parseMetainfoSteps(bytes, infohash)));
    expect(error.message).toBe('bad metainfo: it belongs to another file');
    // Decoded, a million lists take some 100 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(30e6);
  });

  test('with far more beside its info than in it is refused without decoding that', () => {
    const { infohash } = parseMetainfo(torrent());
    const whole = decodeBencode(torrent()) as BencodeDict;
    const beside = (count: number): Buffer =>
      encodeBencode(
        dict({ info: whole.get('info') ?? 0, 'piece layers': dict({}), z: new Array<number>(count).fill(1) }),
      );
    expect(runSteps(parseMetainfoSteps(beside(9000), infohash)).infohash).toBe(infohash);
    expect(faultOf(() => runSteps(parseMetainfoSteps(beside(20_000), infohash))).message).toMatch(
      /holds 2000\d values beside its info/,
    );
  });

  test('that is cut off is refused without decoding what there is', () => {
    const { infohash } = parseMetainfo(torrent());
    for (const bytes of [
      torrent().subarray(0, -1),
      Buffer.from('d1:ai1ee'),
      Buffer.from('le'),
      Buffer.alloc(0),
    ])
      expect(faultOf(() => runSteps(parseMetainfoSteps(bytes, infohash)))).toMatchObject({
        reason: 'BAD_METAINFO',
        message: 'bad metainfo: it is cut off, or has no info',
      });
  });

  test('of four million pieces is the largest, however few bytes describe them', () => {
    // Files of one root share a layer: each has 2^20 pieces here.
    const layer = Buffer.alloc(2 ** 20 * 32, 1);
    const length = 2 ** 20 * PIECE;
    const root = fileRoot(layer, length, PIECE);
    const files = (count: number): BencodeDict =>
      dict(
        Object.fromEntries(
          Array.from({ length: count }, (_, at) => [`f${at}`, leaf({ length, 'pieces root': root })]),
        ),
      );
    const layers = dict({ [root.toString('latin1')]: layer });
    expect(parseMetainfo(torrent({ 'file tree': files(4) }, layers)).files).toHaveLength(4);
    expect(faultOf(() => parseMetainfo(torrent({ 'file tree': files(5) }, layers))).message).toBe(
      'bad metainfo: it has 5242880 pieces, more than 4194304',
    );
  });

  test('may be a hybrid, whose v1 keys are ignored', () => {
    const bytes = encodeBencode(
      dict({
        announce: Buffer.from('http://example.org'),
        info: dict({ ...info, length: 99, pieces: Buffer.alloc(20) }),
        'piece layers': dict({}),
      }),
    );
    expect(parseMetainfo(bytes).totalLength).toBe(5);
  });

  test('may have keys out of order and white space outside its info, which are normalized', () => {
    const good = torrent();
    const [, body] = /^d(4:info.*)12:piece layersdee$/s.exec(good.toString('latin1'))!;
    const wild = Buffer.from(`d12:piece layersde4:spamd1:bi1e1:ai2ee${body}e\r\n`, 'latin1');
    const metainfo = parseMetainfo(wild);
    expect(metainfo.infohash).toBe(parseMetainfo(good).infohash);
    // Other versions of Enjambre accept nothing else.
    expect(parseMetainfo(metainfo.bytes).bytes.equals(metainfo.bytes)).toBe(true);
    expect(() => decodeBencode(metainfo.bytes)).not.toThrow();
  });

  test('without its layers returns its info, and reports a missing layer', () => {
    const file = hashFile(['a'], someBytes(3 * PIECE), PIECE);
    const whole = buildMetainfo({ name: 't', pieceLength: PIECE, isFolder: true, files: [file] });
    const { layers, bytes, ...described } = whole;
    const [, body] = /^d(4:info.*)12:piece layersd/s.exec(bytes.toString('latin1'))!;
    for (const rest of ['', '12:piece layersde']) {
      const cut = Buffer.from(`d${body}${rest}e`, 'latin1');
      expect(parseTorrent(cut)).toEqual({ info: described, missing: [...layers.keys()][0] });
      expect(faultOf(() => parseMetainfo(cut)).message).toContain('is missing');
    }
  });

  test('may leave out layers when no file needs one', () => {
    expect(parseMetainfo(encodeBencode(dict({ info: dict(info) }))).layers.size).toBe(0);
  });

  test('is a single file when its only file has its name, else a folder', () => {
    const isFolder = (tree: BencodeDict) => parseMetainfo(torrent({ 'file tree': tree })).isFolder;
    expect(isFolder(dict({ t: smallFile }))).toBe(false);
    expect(isFolder(dict({ a: smallFile }))).toBe(true);
    expect(isFolder(dict({ t: dict({ t: smallFile }) }))).toBe(true);
    expect(isFolder(dict({ t: smallFile, z: smallFile }))).toBe(true);
  });

  test('keeps a copy of its bytes', () => {
    const bytes = torrent();
    const metainfo = parseMetainfo(bytes);
    bytes.fill(0);
    expect(metainfo.bytes.equals(torrent())).toBe(true);
    expect(metainfo.files[0]?.piecesRoot).toEqual(ROOT);
  });

  test.each<[string, Buffer, string]>([
    ['is not bencode', Buffer.from('nonsense'), 'not bencode'],
    ['has keys out of order in its info', Buffer.from('d4:infod1:bi1e1:ai1eee'), 'out of order at byte 14'],
    ['has a key twice, apart', Buffer.from('d4:infode1:ai1e4:infodee'), 'duplicate key'],
    ['has more than white space after its end', Buffer.from('d4:infodee x'), 'after the end'],
    ['is not a dictionary', Buffer.from('le'), 'the file is not a dictionary'],
    ['has no info', encodeBencode(dict({})), 'its info is not a dictionary'],
    ['has no version', without('meta version'), 'not of version 2'],
    ['is of version 1', torrent({ 'meta version': 1 }), 'not of version 2'],
    ['is of version 3', torrent({ 'meta version': 3 }), 'not of version 2'],
    ['has no name', without('name'), 'no name in UTF-8'],
    ['has a name that is not UTF-8', torrent({ name: Buffer.from([0xc3, 0x28]) }), 'no name in UTF-8'],
    ['has a name of a megabyte', torrent({ name: Buffer.alloc(1 << 20, 'x') }), 'far too long'],
    ['has a name that leads elsewhere', torrent({ name: Buffer.from('..') }), 'name ".." names the folder'],
    ['has a name with a separator', torrent({ name: Buffer.from('a/b') }), 'separator'],
    ['has no piece length', without('piece length'), 'piece length'],
    ['has a short piece length', torrent({ 'piece length': 8192 }), 'piece length'],
    ['has an odd piece length', torrent({ 'piece length': 48 * 1024 }), 'piece length'],
    ['has a huge piece length', torrent({ 'piece length': 2 ** 27 }), 'piece length'],
    ['has no file tree', without('file tree'), 'file tree is not a dictionary'],
    ['has no bytes', torrent({ 'file tree': dict({ a: leaf({ length: 0 }) }) }), 'no bytes to download'],
  ])('is refused when it %s', (_, bytes, fault) => {
    const error = faultOf(() => parseMetainfo(bytes));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    expect(error.message).toContain(fault);
  });

  test('may take 64 MiB', () => {
    const padded = (bytes: number) => encodeBencode(dict({ info: dict(info), x: Buffer.alloc(bytes) }));
    const most = 64 * 1024 * 1024;
    const bytes = padded(most - padded(most).length + most);
    expect(bytes).toHaveLength(most);
    expect(parseMetainfo(bytes).bytes).toHaveLength(most);
  });

  test('is refused over 64 MiB', () => {
    expect(faultOf(() => parseMetainfo(Buffer.alloc(64 * 1024 * 1024 + 1))).message).toContain(
      'more than 64 MiB',
    );
  });

  test('is refused when its lengths add up to more than a number holds', () => {
    const tree = dict({
      a: leaf({ length: 2 ** 53 - 1, 'pieces root': ROOT }),
      b: leaf({ length: 2 ** 53 - 1, 'pieces root': ROOT }),
    });
    expect(faultOf(() => parseMetainfo(torrent({ 'file tree': tree }))).message).toContain(
      'longer than 2^53',
    );
  });

  test('with any change is parsed or refused, quickly and with an EnjambreError', () => {
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), add: fc.uint8Array({ maxLength: 3 }) });
    fc.assert(
      fc.property(goodTree, fc.array(edit, { minLength: 1, maxLength: 4 }), (tree, edits) => {
        const files = tree.map(({ path, length, seed }) => hashFile(path, someBytes(length, seed), PIECE));
        let { bytes } = buildMetainfo({ name: 'torrent', pieceLength: PIECE, isFolder: true, files });
        for (const { at, remove, add } of edits) {
          const start = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, start), add, bytes.subarray(start + remove)]);
        }
        const begin = performance.now();
        try {
          parseMetainfo(bytes);
        } catch {
          expect(faultOf(() => parseMetainfo(bytes))).toMatchObject({
            code: 'invalid',
            reason: 'BAD_METAINFO',
          });
        }
        expect(performance.now() - begin).toBeLessThan(5000);
      }),
      { numRuns: 300 },
    );
  });

  test('of many files or many pieces is read in linear time', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => [`file ${i}`, smallFile] as const);
    const start = performance.now();
    expect(parseMetainfo(torrent({ 'file tree': dict(Object.fromEntries(names)) })).files.length).toBe(
      20_000,
    );
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
