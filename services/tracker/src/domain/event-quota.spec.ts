import { expect, test } from '@jest/globals';
import { samplePeer } from '../../test/samples.js';
import { EventQuota } from './event-quota.js';
import type { TrackerEvent } from './events.js';

const event = (number: number): TrackerEvent => ({ type: 'peer.connected', peer: samplePeer(number) });

function admitted(quota: EventQuota, party: string, count: number, now: number): number {
  let passed = 0;
  for (let number = 0; number < count; number += 1) if (quota.admit(party, event(number), now)) passed += 1;
  return passed;
}

test('a party may cause 2,000 events at once and 50 a second, whatever others do', () => {
  const quota = new EventQuota(5);
  expect(admitted(quota, 'stranger', 24_000, 0)).toBe(2000);
  expect(admitted(quota, 'stranger', 24_000, 1000)).toBe(50);
  expect(admitted(quota, 'honest', 100, 1000)).toBe(100);
});

test('what is left out is told once, as a number, with one of its peers', () => {
  const quota = new EventQuota(5);
  admitted(quota, 'stranger', 2010, 0);
  admitted(quota, 'honest', 1, 0);
  expect(quota.summaries(10_000)).toEqual([
    { party: 'stranger', event: { type: 'peer.throttled', peer: samplePeer(2009), events: 10, seconds: 10 } },
  ]);
  expect(quota.summaries(20_000)).toEqual([]);
});
