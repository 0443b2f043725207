import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MessagePace } from './message-pace.js';

test('a party may send 20,000 messages at once and then 2,000 a second', () => {
  const pace = new MessagePace(5);
  let waits = 0;
  for (let count = 0; count < 20_000; count += 1) waits += pace.count('stranger', 0);
  expect(waits).toBeCloseTo(0);
  expect(pace.count('stranger', 0)).toBeCloseTo(0.5);
  expect(pace.count('stranger', 1000)).toBe(0);
  expect(pace.count('honest', 0)).toBe(0);
});

test('sessions that each wait as told send no more together than the rate, whatever their number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), (sessions) => {
      const pace = new MessagePace(5);
      for (let count = 0; count < 20_000; count += 1) pace.count('stranger', 0);
      const next = Array<number>(sessions).fill(0);
      let sent = 0;
      for (let now = 0; now < 1000; now += 1)
        for (let session = 0; session < sessions; session += 1) {
          if ((next[session] ?? 0) > now) continue;
          sent += 1;
          next[session] = now + pace.count('stranger', now);
        }
      expect(sent).toBeLessThanOrEqual(2000 + 2 * sessions);
    }),
    { numRuns: 50 },
  );
});

test('work that costs as much as several messages counts as these', () => {
  const pace = new MessagePace(5);
  for (let count = 0; count < 5000; count += 1) expect(pace.count('stranger', 0, 4)).toBeCloseTo(0);
  expect(pace.count('stranger', 0, 4)).toBeCloseTo(2);
});

test('a clock that is set back stops nobody for long', () => {
  const pace = new MessagePace(5);
  pace.count('agent', 1_000_000);
  expect(pace.count('agent', 0)).toBeLessThanOrEqual(10_001);
});
