import { expect, test } from '@jest/globals';
import { KeyedBuckets } from './keyed-buckets.js';

test('each party has a bucket of its own', () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 2 });
  expect(['a', 'a', 'a', 'b'].map((party) => buckets.take(party, 0))).toEqual([0, 0, 1000, 0]);
  expect(buckets.take('a', 1000)).toBe(0);
});

test('buckets that are full again are forgotten', () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 1 });
  for (let party = 0; party < 5000; party += 1) buckets.take(`party ${party}`, party);
  expect(buckets.size).toBeLessThanOrEqual(2000);
});
