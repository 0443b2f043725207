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

  test('receives a file once, and again when a peer shares what was only downloaded', () => {
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

  test('restores the first description and the first share of a file that returns', () => {
    catalogue.learn(FILE, { infohash: FILE, file: RENAMED, firstShare: shared });
    const { effects } = share(1, MODEL);
    expect(registry.directory.claims(FILE)).toMatchObject([
      { file: RENAMED, firstShare: shared },
      { file: MODEL, firstShare: { at: 7, by: 'peer-1' } },
    ]);
    expect(effects).toMatchObject([{ type: 'problem', error: { reason: 'FILE_MISMATCH' } }]);
    expect(kept).toEqual([]);
  });

  test('adds the description of the network to those of members', () => {
    share(1);
    const page = { query: 'renamed', limit: 10 };
    expect(registry.directory.files(page).items).toEqual([]);
    registry.descriptions.settle({ infohash: FILE, file: RENAMED, firstShare: shared });
    expect(registry.directory.files(page).items).toMatchObject([{ file: RENAMED, firstShare: shared }]);
    expect(registry.directory.files({ query: '', limit: 10 }).items).toHaveLength(2);
    expect(registry.directory.stats().files).toBe(1);
    // For a file without peers, and with an invalid summary.
    registry.descriptions.settle({ infohash: sampleHash(2), file: MODEL, firstShare: undefined });
    expect(registry.directory.swarmCount).toBe(1);
    const nonsense = { infohash: FILE, file: { ...MODEL, size: -1 }, firstShare: undefined };
    expect(() => registry.descriptions.settle(nonsense)).toThrow('not a size');
  });

  test('remembers a file without connected peers, until the last one withdraws it', () => {
    const { session } = share(1);
    catalogue.learn(FILE, kept[0]);
    registry.disconnect(session, 'gone');
    expect(catalogue.get(FILE)).toBeDefined();
    registry.withdraw(share(1).session, FILE);
    expect(catalogue.get(FILE)).toBeUndefined();
    expect(forgotten).toEqual([FILE]);
  });

  test('forgets a file without connected peers if the store does not outlive the tracker', () => {
    make(false);
    const { session } = share(1);
    catalogue.learn(FILE, kept[0]);
    registry.disconnect(session, 'gone');
    expect(catalogue.size).toBe(0);
    expect(forgotten).toEqual([FILE]);
  });

  test('stores a file again that peers of this tracker have, after another tracker removed it', () => {
    share(1);
    catalogue.learn(FILE, kept[0]);
    catalogue.learn(FILE, undefined);
    registry.descriptions.remind(FILE);
    registry.descriptions.remind(sampleHash(2));
    expect(kept).toHaveLength(2);
    expect(kept[1]).toEqual(kept[0]);
  });

  test('holds a limited number of records, and keeps the existing ones', () => {
    for (const number of [1, 2, 3, 4]) {
      const infohash = sampleHash(number);
      catalogue.learn(infohash, { infohash, file: MODEL, firstShare: undefined });
    }
    expect(catalogue.size).toBe(3);
    catalogue.learn(FILE, { infohash: FILE, file: RENAMED, firstShare: undefined });
    expect(catalogue.get(FILE)?.file).toBe(RENAMED);
  });

  test('keeps the older of two records, completed by a missing first share', () => {
    const older = { infohash: FILE, file: MODEL, firstShare: undefined };
    const newer = { infohash: FILE, file: RENAMED, firstShare: shared };
    expect(mergeRecords(older, newer)).toEqual({ ...older, firstShare: shared });
    expect(mergeRecords(newer, older)).toBe(newer);
  });
});
