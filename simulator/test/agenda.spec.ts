import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Agenda } from '../src/agenda.js';

describe('an agenda', () => {
  it('runs entries by time, and at the same time by order of entry', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 3000, size: 'max' }), (times) => {
        const agenda = new Agenda();
        const ran: { time: number; order: number; at: number }[] = [];
        times.forEach((time, order) => {
          agenda.at(time, () => ran.push({ time, order, at: agenda.nowMs }));
        });
        while (agenda.step());
        const expected = times.map((time, order) => ({ time, order, at: time }));
        expect(ran).toEqual(expected.sort((a, b) => a.time - b.time || a.order - b.order));
        expect(agenda.entered).toBe(times.length);
      }),
      { numRuns: 30 },
    );
  });

  it('accepts entries while it runs, and takes a past time as now', () => {
    const agenda = new Agenda();
    const ran: string[] = [];
    const note = (what: string) => (): void => {
      ran.push(`${what} ${agenda.nowMs}`);
    };
    agenda.at(10, () => {
      agenda.in(5, note('later'));
      agenda.at(3, note('past'));
      agenda.in(0, note('now'));
    });
    agenda.at(12, note('between'));
    while (agenda.step());
    expect(ran).toEqual(['past 10', 'now 10', 'between 12', 'later 15']);
  });
});
