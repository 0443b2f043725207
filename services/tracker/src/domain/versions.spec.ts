import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sampleHash } from '../../test/samples.js';
import { MAX_VERSIONS, mergeVersions, withNewest, type Versions } from './versions.js';

/** The versions after content was shared in this order, at these times. */
function sharedInTurn(
  shares: readonly (readonly [content: number, at: number])[],
  before: Versions = [],
): Versions {
  return shares.reduce<Versions>(
    (versions, [content, at]) => withNewest(versions, sampleHash(content), { now: at }),
    before,
  );
}

const shares = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 1000 })), {
  maxLength: 60,
});

function check(versions: Versions): void {
  expect(versions.length).toBeLessThanOrEqual(MAX_VERSIONS);
  expect(new Set(versions.map(({ infohash }) => infohash)).size).toBe(versions.length);
  for (const [index, { version, at }] of versions.entries()) {
    const before = versions[index - 1];
    expect(version).toBeGreaterThan(before?.version ?? 0);
    expect(at).toBeGreaterThan(before?.at ?? -1);
  }
}

const numbersOf = (versions: Versions): [string, number][] =>
  versions.map(({ infohash, version }) => [infohash, version]);

describe('the versions of a name', () => {
  test('count each new content, and the last one is the newest', () => {
    const versions = sharedInTurn([
      [1, 10],
      [2, 20],
      [2, 30],
    ]);
    expect(versions).toEqual([
      { infohash: sampleHash(1), version: 1, at: 10 },
      { infohash: sampleHash(2), version: 2, at: 20 },
    ]);
  });

  test('of a publisher that switches between two contents are those two', () => {
    const flips = Array.from({ length: 100 }, (_, at) => [1 + (at % 2), at] as const);
    expect(numbersOf(sharedInTurn(flips))).toEqual([
      [sampleHash(1), 99],
      [sampleHash(2), 100],
    ]);
  });

  test('are limited: the oldest are dropped', () => {
    const many = Array.from({ length: 40 }, (_, at) => [at + 1, at] as const);
    const versions = sharedInTurn(many);
    expect(versions).toHaveLength(MAX_VERSIONS);
    expect(versions.at(-1)).toMatchObject({ infohash: sampleHash(40), version: 40 });
  });

  test('increase in number and time, whatever the clocks of trackers show', () => {
    fc.assert(
      fc.property(shares, (contents) => {
        const versions = sharedInTurn(contents);
        check(versions);
        const last = contents.at(-1);
        expect(versions.at(-1)?.infohash).toBe(last && sampleHash(last[0]));
      }),
    );
  });

  test('of two trackers are merged the same way on both', () => {
    fc.assert(
      fc.property(shares, shares, shares, (before, here, there) => {
        const common = sharedInTurn(before);
        const [one, other] = [sharedInTurn(here, common), sharedInTurn(there, common)];
        const merged = mergeVersions(one, other);
        check(merged);
        expect(mergeVersions(other, one)).toEqual(merged);
        expect(mergeVersions(merged, merged)).toEqual(merged);
        expect(mergeVersions(one, one)).toEqual(one);
        // A tracker that only has an older state changes nothing of the newest.
        expect(mergeVersions(common, one).at(-1)).toEqual(one.at(-1) ?? common.at(-1));
      }),
    );
  });

  test('of two trackers that learned signed ones in any order are the same, and are those that the publisher signed', () => {
    const content = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 30 }),
        fc.array(fc.nat(), { minLength: 90, maxLength: 90 }),
        (published, orders) => {
          const records = published.map((number, index) => ({
            infohash: sampleHash(number),
            version: index + 1,
            at: 10 * (index + 1),
            signed: `${index}`,
          }));
          const learned = (): Versions =>
            records
              .map((record) => ({ record, place: orders.pop() ?? 0 }))
              .sort((one, other) => one.place - other.place)
              .reduce<Versions>((versions, { record }) => mergeVersions(versions, [record]), []);
          const merged = mergeVersions(learned(), learned());
          check(merged);
          expect(numbersOf(merged)).toEqual(numbersOf(learned()));
          expect(merged.at(-1)?.infohash).toBe(records.at(-1)?.infohash);
          expect(merged.map(({ at }) => at)).toEqual(merged.map(({ version }) => 10 * version));
        },
      ),
    );
  });

  test('that two trackers received at once get numbers by their times', () => {
    const common = sharedInTurn([[1, 10]]);
    const [one, other] = [sharedInTurn([[2, 30]], common), sharedInTurn([[3, 20]], common)];
    expect(numbersOf(mergeVersions(one, other))).toEqual([
      [sampleHash(1), 1],
      [sampleHash(3), 2],
      [sampleHash(2), 3],
    ]);
  });
});
