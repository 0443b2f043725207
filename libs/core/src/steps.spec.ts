import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { BencodeDict } from './bencode-value.js';
import { encodeBencode } from './bencode.js';
import { fileRoot, fileRootSteps } from './file-root.js';
import { buildMetainfo, buildMetainfoSteps, type BuildInput } from './metainfo-build.js';
import { parseMetainfo, parseMetainfoSteps } from './metainfo-parse.js';
import { runSteps, sortSteps, StepCount, type Steps } from './steps.js';

const FILES = 5000;
/** At most this number of files is processed in one step. */
const FILES_A_STEP = 256;

function stepsOf<T>(work: Steps<T>): { steps: number; value: T } {
  for (let steps = 0; ; steps++) {
    const step = work.next();
    if (step.done === true) return { steps, value: step.value };
  }
}

function manyFiles(folders: number): BuildInput {
  const files = Array.from({ length: FILES }, (_, index) => ({
    // Out of order, as a disk lists them.
    path: [`folder-${index % folders}`, `file-${(index * 7919) % FILES}`],
    length: 1,
    piecesRoot: createHash('sha256').update(String(index)).digest(),
  }));
  return { name: 'many', pieceLength: 16 * 1024, isFolder: true, files };
}

describe('runSteps', () => {
  it('runs all of the work, and returns its result', () => {
    const done: number[] = [];
    function* work(): Steps<string> {
      for (const step of [1, 2, 3]) {
        done.push(step);
        yield;
      }
      return 'all';
    }
    expect(runSteps(work())).toBe('all');
    expect(done).toEqual([1, 2, 3]);
  });
});

describe('StepCount', () => {
  it('is full after every 256 things', () => {
    const count = new StepCount();
    const full = Array.from({ length: 600 }, (_, index) => (count.isFull() ? index + 1 : 0)).filter(Boolean);
    expect(full).toEqual([256, 512]);
  });
});

describe('sortSteps', () => {
  it('sorts like an array, for any items, and keeps the order of equal ones', () => {
    const item = fc.record({ key: fc.integer({ min: 0, max: 50 }), id: fc.nat() });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 2000, size: 'max' }), (items) => {
        const byKey = (a: { key: number }, b: { key: number }): number => a.key - b.key;
        expect(runSteps(sortSteps(items, byKey))).toEqual([...items].sort(byKey));
      }),
      { numRuns: 30 },
    );
  });

  it('sorts very many items in many steps', () => {
    const numbers = Array.from({ length: FILES }, (_, index) => (index * 7919) % FILES);
    const { steps, value } = stepsOf(sortSteps(numbers, (a, b) => a - b));
    expect(value).toEqual(Array.from(numbers.keys()));
    expect(steps).toBeGreaterThan((FILES / FILES_A_STEP) * Math.log2(FILES / FILES_A_STEP));
  });
});

describe('metainfo of very many files', () => {
  it.each([1, 300, FILES])('is built and parsed in steps, in %i folders', (folders) => {
    const input = manyFiles(folders);
    const built = stepsOf(buildMetainfoSteps(input));
    expect(built.value).toEqual(buildMetainfo(input));
    const parsed = stepsOf(parseMetainfoSteps(built.value.bytes));
    expect(parsed.value).toEqual(parseMetainfo(built.value.bytes));
    // A file is a dozen tokens to decode, and an entry of the file tree.
    expect(parsed.steps).toBeGreaterThan((12 * FILES) / FILES_A_STEP);
    // The tree is made, sorted, encoded and parsed.
    expect(built.steps).toBeGreaterThan(parsed.steps + (3 * FILES) / FILES_A_STEP);
  });

  it('is sorted in steps if its keys are not in order', () => {
    const { bytes } = buildMetainfo(manyFiles(1));
    const unused = Array.from({ length: FILES }, (_, key) => `4:${String(FILES - key).padStart(4, '0')}i1e`);
    const unsorted = Buffer.concat([Buffer.from(`d1:zd${unused.join('')}e`), bytes.subarray(1)]);
    const { steps, value } = stepsOf(parseMetainfoSteps(unsorted));
    const keys = new Map(Array.from({ length: FILES }, (_, key) => [String(key + 1).padStart(4, '0'), 1]));
    expect(value.bytes.includes(encodeBencode(BencodeDict.of(keys)))).toBe(true);
    expect(value.infohash).toBe(parseMetainfo(bytes).infohash);
    const inOrder = stepsOf(parseMetainfoSteps(value.bytes)).steps;
    expect(steps).toBeGreaterThan(inOrder + (2 * FILES) / FILES_A_STEP);
  });
});

describe('fileRootSteps', () => {
  it('hashes a layer of very many pieces in steps', () => {
    const layer = Buffer.alloc(FILES * 32, 7);
    const { steps, value } = stepsOf(fileRootSteps(layer, FILES * 16 * 1024, 16 * 1024));
    expect(value).toEqual(fileRoot(layer, FILES * 16 * 1024, 16 * 1024));
    expect(steps).toBeGreaterThanOrEqual(Math.floor(FILES / FILES_A_STEP));
  });
});
