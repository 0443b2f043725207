import { beforeEach, describe, expect, test } from '@jest/globals';
import { Catalogue, mergeRecords, type FileRecord } from './catalogue.js';
import { SwarmRegistry } from './swarm-registry.js';
import { MODEL, sampleHash, samplePeer } from '../../test/samples.js';

const FILE = sampleHash(1);
const RENAMED = { ...MODEL, name: 'renamed' };
const shared = { at: 5, by: 'alice' };

describe('the catalogue of a network', () => {
  let kept: FileRecord[];
  let forgotten: string[];
  let catalogue: Catalogue;
  let registry: SwarmRegistry;

  const make = (durable: boolean): void => {
    kept = [];
    forgotten = [];
    const keeper = {
      keep: (record: FileRecord) => kept.push(record),
      forget: (infohash: string) => forgotten.push(infohash),
    };
    catalogue = new Catalogue(keeper, { durable, maxRecords: 3 });
    registry = new SwarmRegistry({ random: () => 0, startedAt: 0, catalogue });
  };
  const share = (peer: number, file = MODEL) => {
    const { session } = registry.connect(samplePeer(peer), 0);
    return { session, effects: registry.share(session, { infohash: FILE, file, restated: true }, 7) };
  };

  beforeEach(() => make(true));

  test('is told once of a file, and again when somebody shares what was only downloaded', () => {
    const found = { infohash: FILE, file: MODEL, firstShare: undefined };
    catalogue.note(found);
    catalogue.learn(FILE, found);
    catalogue.note(found);
    expect(kept).toEqual([found]);
    catalogue.note({ ...found, file: RENAMED, firstShare: shared });
    expect(kept).toHaveLength(2);
    catalogue.learn(FILE, { ...found, firstShare: shared });
    catalogue.note({ ...found, firstShare: { at: 9, by: 'bob' } });
    expect(kept).toHaveLength(2);
  });

  test('gives a file that comes back its first description and its first share', () => {
    catalogue.learn(FILE, { infohash: FILE, file: RENAMED, firstShare: shared });
    const { effects } = share(1, MODEL);
    expect(registry.directory.file(FILE)).toMatchObject({ file: RENAMED, firstShare: shared });
    expect(effects).toMatchObject([{ type: 'problem', error: { reason: 'FILE_MISMATCH' } }]);
    expect(kept).toEqual([]);
  });

  test('gives a file another description when the network settled on it', () => {
    share(1);
    const page = { query: 'renamed', limit: 10 };
    expect(registry.directory.files(page).items).toEqual([]);
    registry.settle({ infohash: FILE, file: RENAMED, firstShare: shared });
    expect(registry.directory.files(page).items).toMatchObject([{ file: RENAMED, firstShare: shared }]);
    expect(registry.directory.files({ query: '', limit: 10 }).items).toHaveLength(1);
    // Of a file that nobody has, and nonsense.
    registry.settle({ infohash: sampleHash(2), file: MODEL, firstShare: undefined });
    expect(registry.directory.swarmCount).toBe(1);
    const nonsense = { infohash: FILE, file: { ...MODEL, size: -1 }, firstShare: undefined };
    expect(() => registry.settle(nonsense)).toThrow('not a size');
  });

  test('remembers a file whose peers are gone, until the last one takes it back', () => {
    const { session } = share(1);
    catalogue.learn(FILE, kept[0]);
    registry.disconnect(session, 'gone');
    expect(catalogue.get(FILE)).toBeDefined();
    registry.withdraw(share(1).session, FILE);
    expect(catalogue.get(FILE)).toBeUndefined();
    expect(forgotten).toEqual([FILE]);
  });

  test('remembers nothing that nobody has, in a store that lives no longer than the tracker', () => {
    make(false);
    const { session } = share(1);
    catalogue.learn(FILE, kept[0]);
    registry.disconnect(session, 'gone');
    expect(catalogue.size).toBe(0);
    expect(forgotten).toEqual([FILE]);
  });

  test('is reminded of a file that peers here have, when somebody else has made it forget', () => {
    share(1);
    catalogue.learn(FILE, kept[0]);
    catalogue.learn(FILE, undefined);
    registry.remind(FILE);
    registry.remind(sampleHash(2));
    expect(kept).toHaveLength(2);
    expect(kept[1]).toEqual(kept[0]);
  });

  test('holds so many records, and goes on with those that it has', () => {
    for (const number of [1, 2, 3, 4]) {
      const infohash = sampleHash(number);
      catalogue.learn(infohash, { infohash, file: MODEL, firstShare: undefined });
    }
    expect(catalogue.size).toBe(3);
    catalogue.learn(FILE, { infohash: FILE, file: RENAMED, firstShare: undefined });
    expect(catalogue.get(FILE)?.file).toBe(RENAMED);
  });

  test('lets of two records the older one stand, but for a first share that it lacks', () => {
    const older = { infohash: FILE, file: MODEL, firstShare: undefined };
    const newer = { infohash: FILE, file: RENAMED, firstShare: shared };
    expect(mergeRecords(older, newer)).toEqual({ ...older, firstShare: shared });
    expect(mergeRecords(newer, older)).toBe(newer);
  });
});
