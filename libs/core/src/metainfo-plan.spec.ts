import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { goodName, goodTree, hashFile, someBytes } from '../test/torrents.js';
import { buildMetainfo } from './metainfo-build.js';
import { parseMetainfo } from './metainfo-parse.js';
import { checkNotNamesake, MetainfoPlan, type PlannedFile } from './metainfo-plan.js';

const KIB = 1024;
const GIB = 2 ** 30;

function plan(files: Iterable<PlannedFile>): MetainfoPlan {
  const plan = new MetainfoPlan();
  for (const file of files) plan.add(file);
  return plan;
}

describe('the plan of a metainfo', () => {
  test('estimates the size to within some bytes, and never too low', () => {
    fc.assert(
      fc.property(goodTree, goodName, fc.constantFrom(16 * KIB, 32 * KIB), (tree, name, pieceLength) => {
        fc.pre(!(tree.length === 1 && tree[0]?.path.length === 1 && tree[0].path[0] === name));
        // Files of equal content would share a layer: each length occurs once.
        const seen = new Set<number>();
        const own = tree.filter(({ length }) => !seen.has(length) && seen.add(length));
        fc.pre(own.some(({ length }) => length > 0));
        const files = own.map(({ path, length, seed }) => ({
          ...hashFile(path, someBytes(length, seed), pieceLength),
          executable: seed % 2 === 0,
        }));
        const { bytes } = buildMetainfo({ name, pieceLength, isFolder: true, files });
        const planned = plan(files).bytes(name, pieceLength);
        expect(planned).toBeGreaterThanOrEqual(bytes.length);
        expect(planned).toBeLessThanOrEqual(bytes.length + 128);
      }),
    );
  });

  test('chooses longer pieces when the layers would be too long otherwise', () => {
    const large = plan([{ path: ['disk.img'], length: 40_000 * GIB }]);
    expect(large.pieceLength('x')).toBe(32 * 2 ** 20);
    expect(large.bytes('x', 32 * 2 ** 20)).toBeLessThan(64 * 2 ** 20);
  });

  test('refuses a folder that no piece length fits', () => {
    const many = new MetainfoPlan();
    for (let i = 0; i < 450_000; i++) many.add({ path: ['d', `${i}`.padStart(95, 'x')], length: 5 });
    const fault = faultOf(() => many.pieceLength('x'));
    expect(fault).toMatchObject({ code: 'invalid', reason: 'TOO_MANY_FILES' });
    expect(fault.message).toMatch(/450000 files, whose metainfo takes 7\d MiB of 64/);
    expect(faultOf(() => plan([{ path: ['a'], length: 2 ** 52 }]).pieceLength('x'))).toMatchObject({
      reason: 'TOO_MANY_FILES',
    });
  });

  test('refuses more files than can be parsed', () => {
    const files = Array.from({ length: 499_996 }, (_, i) => ({ path: [`${i}`], length: 5 }));
    expect(plan(files.slice(1)).pieceLength('x')).toBe(256 * KIB);
    expect(faultOf(() => plan([...files, { path: ['e'], length: 1 }]).pieceLength('x')).message).toContain(
      '499997 files, more than metainfo can describe',
    );
  });

  test('refuses pieces that are too short, and names the required length', () => {
    const fault = faultOf(() => plan([{ path: ['a'], length: 1000 * GIB }]).pieceLength('x', 16 * KIB));
    expect(fault).toMatchObject({ reason: 'BAD_PIECE_LENGTH' });
    expect(fault.message).toContain(`choose ${512 * KIB} bytes or more`);
    expect(plan([{ path: ['a'], length: GIB }]).pieceLength('x', 16 * KIB)).toBe(16 * KIB);
  });

  test('refuses a folder that would be parsed as the file in it', () => {
    expect(faultOf(() => checkNotNamesake('a', [{ path: ['a'], length: 1 }]))).toMatchObject({
      reason: 'NAMESAKE',
    });
    expect(() => checkNotNamesake('b', [{ path: ['a'], length: 1 }])).not.toThrow();
    expect(() => checkNotNamesake('a', [{ path: ['a', 'a'], length: 1 }])).not.toThrow();
  });
});

test('150,000 small files can be described and parsed', () => {
  const files = Array.from({ length: 150_000 }, (_, i) => ({
    path: [`folder ${i % 300}`, `a small file with a long name ${i}.json`],
    length: 100,
    piecesRoot: Buffer.alloc(32, `${i}`),
  }));
  const planned = plan(files);
  const pieceLength = planned.pieceLength('many');
  const { bytes, infohash } = buildMetainfo({ name: 'many', pieceLength, isFolder: true, files });
  expect(bytes.length).toBeGreaterThan(10 * 2 ** 20);
  expect(planned.bytes('many', pieceLength)).toBeGreaterThanOrEqual(bytes.length);
  const read = parseMetainfo(bytes);
  expect(read.infohash).toBe(infohash);
  expect(read.files).toHaveLength(150_000);
});
