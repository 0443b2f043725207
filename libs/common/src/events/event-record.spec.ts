import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { numberedFact } from '../../test/sample-facts.js';
import { EventRecord } from './event-record.js';

const event = (number: number): Event => ({
  id: String(number),
  time: new Date(number),
  source: 'tracker/t',
  event: numberedFact(number),
});

const kept = (record: EventRecord, after = 0): number[] =>
  [...record.after(after)].map(({ position }) => position);

test('keeps the last events of a single party', () => {
  const record = new EventRecord(3);
  for (let number = 1; number <= 5; number += 1) expect(record.add(event(number), 'a')).toBe(number);
  expect(kept(record)).toEqual([3, 4, 5]);
  expect(kept(record, 3)).toEqual([4, 5]);
  expect([record.isWholeAfter(1), record.isWholeAfter(2)]).toEqual([false, true]);
});

test('a party that does much pushes out its own events, not those of others', () => {
  const record = new EventRecord(10);
  for (let number = 1; number <= 4; number += 1) record.add(event(number), 'honest');
  for (let number = 5; number <= 10_000; number += 1) record.add(event(number), 'stranger');
  expect(kept(record)).toEqual([1, 2, 3, 4, 9995, 9996, 9997, 9998, 9999, 10_000]);
});

test('parties with one event each lose the oldest one', () => {
  const record = new EventRecord(3);
  for (let number = 1; number <= 5; number += 1) record.add(event(number), `party ${number}`);
  expect(kept(record)).toEqual([3, 4, 5]);
});

test('is full before it drops anything, in order, and no party keeps less than another that lost events', () => {
  const parties = fc.array(fc.constantFrom('a', 'a', 'a', 'b', 'c', 'd'), { maxLength: 100 });
  fc.assert(
    fc.property(parties, fc.integer({ min: 1, max: 12 }), (owners, maxEvents) => {
      const record = new EventRecord(maxEvents);
      owners.forEach((party, index) => record.add(event(index), party));
      const positions = kept(record);
      expect(positions).toHaveLength(Math.min(owners.length, maxEvents));
      expect(positions).toEqual([...positions].sort((one, other) => one - other));
      const counts = (list: readonly string[]): Map<string, number> => {
        const sums = new Map<string, number>();
        for (const party of list) sums.set(party, (sums.get(party) ?? 0) + 1);
        return sums;
      };
      const left = counts(positions.map((position) => owners[position - 1] as string));
      for (const [party, total] of counts(owners)) {
        const own = left.get(party) ?? 0;
        if (own < total) for (const other of left.values()) expect(own).toBeGreaterThanOrEqual(other - 1);
      }
    }),
  );
});
