import { describe, expect, it } from '@jest/globals';
import { Rounds } from './rounds.js';

function scene() {
  let next: (() => void) | undefined;
  const rounds = new Rounds((work) => {
    if (next) throw new Error('one round at a time');
    next = work;
  });
  const begun: string[] = [];
  return {
    begun,
    begin: (party: string, what: string) => rounds.begin(party, () => begun.push(what)),
    round: () => {
      const work = next;
      next = undefined;
      work?.();
    },
    isOver: () => next === undefined,
  };
}

describe('Rounds', () => {
  it('begin one call of a party in each round, in their order', () => {
    const { begin, begun, round } = scene();
    for (const what of ['a1', 'a2', 'a3']) begin('a', what);
    begin('b', 'b1');
    expect(begun).toEqual(['a1', 'b1']);
    round();
    expect(begun).toEqual(['a1', 'b1', 'a2']);
    begin('a', 'a4');
    round();
    round();
    expect(begun.slice(3)).toEqual(['a3', 'a4']);
  });

  it('need no round once nothing waits, and then begin a call at once', () => {
    const { begin, begun, round, isOver } = scene();
    begin('a', 'a1');
    round();
    expect(isOver()).toBe(true);
    begin('a', 'a2');
    expect(begun).toEqual(['a1', 'a2']);
  });
});
