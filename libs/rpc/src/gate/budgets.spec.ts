import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Budgets } from './budgets.js';
import { LEAST_QUOTA, SERVICE_LIMITS } from './limits.js';

const limits = { ...SERVICE_LIMITS, connections: 2000, connectionsPerSecond: 1000 };

function takeAll(budgets: Budgets, party: string): number {
  let count = 0;
  while (budgets.take(party, 'connections') === undefined) count += 1;
  return count;
}

describe('Budgets', () => {
  it('give a party its part of a limit, and another party still its own', () => {
    const budgets = new Budgets(limits, 5);
    expect(takeAll(budgets, 'a')).toBe(100);
    expect(budgets.take('a', 'connections')).toBe('party');
    expect(takeAll(budgets, 'b')).toBe(100);
    budgets.giveBack('a', 'connections');
    expect(takeAll(budgets, 'a')).toBe(1);
  });

  it('give a party enough for one host where its part would be less', () => {
    expect(takeAll(new Budgets({ ...limits, connections: 200 }, 5), 'a')).toBe(LEAST_QUOTA.connections);
  });

  it('name the limit of all once that is reached', () => {
    const budgets = new Budgets(limits, 5);
    for (let party = 0; party < 20; party += 1) takeAll(budgets, `p${party}`);
    expect(budgets.held('connections')).toBe(2000);
    expect(budgets.take('another', 'connections')).toBe('all');
  });

  it('let a party use at once what it saved, and then only its rate', () => {
    const budgets = new Budgets(limits, 5);
    const count = (now: number): number => {
      let done = 0;
      while (budgets.spend('a', 'connectionsPerSecond', now) === 0) done += 1;
      return done;
    };
    expect(count(0)).toBe(250);
    expect(budgets.spend('a', 'connectionsPerSecond', 0)).toBe(20);
    expect(count(1000)).toBe(50);
    expect(budgets.spend('b', 'connectionsPerSecond', 1000)).toBe(0);
  });

  it('forget a party that holds nothing and has saved everything, and no other', () => {
    const budgets = new Budgets(limits, 5);
    budgets.take('a', 'connections');
    budgets.spend('b', 'connectionsPerSecond', 0);
    budgets.prune(0);
    expect(budgets.parties).toBe(2);
    budgets.giveBack('a', 'connections');
    budgets.prune(20);
    expect(budgets.parties).toBe(0);
  });

  it('never let anybody hold more than the limit, or a party more than its quota', () => {
    const step = fc.record({ party: fc.nat(5), takes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 100 }), (steps, percent) => {
        const budgets = new Budgets({ ...limits, connections: 70 }, percent);
        const held = new Map<number, number>();
        for (const { party, takes } of steps) {
          const has = held.get(party) ?? 0;
          if (takes && budgets.take(`${party}`, 'connections') === undefined) held.set(party, has + 1);
          if (!takes && has > 0) {
            budgets.giveBack(`${party}`, 'connections');
            held.set(party, has - 1);
          }
        }
        const all = [...held.values()].reduce((sum, count) => sum + count, 0);
        expect(budgets.held('connections')).toBe(all);
        expect(all).toBeLessThanOrEqual(70);
        for (const count of held.values()) expect(count).toBeLessThanOrEqual(budgets.quota('connections'));
      }),
    );
  });
});
