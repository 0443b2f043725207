import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../../../test/support/ids.js';
import { DialTurns } from './dial-turns.js';

const bob = peerNamed('bob');
const many = Array.from({ length: 16 }, (_, at) => `10.0.0.${at}:7072`);

/** Dials the first `count` addresses of a round. */
function dial(turns: DialTurns, endpoints: readonly string[], count = Infinity): string[] {
  const dialed = turns.next(bob, endpoints).slice(0, count);
  for (const endpoint of dialed) turns.dialed(bob, endpoint);
  return dialed;
}

describe('a peer with many addresses', () => {
  it('is dialed at four per round, and at all of them in four rounds', () => {
    const turns = new DialTurns();
    const rounds = [1, 2, 3, 4].map(() => dial(turns, many));
    expect(rounds.map((round) => round.length)).toEqual([4, 4, 4, 4]);
    expect(rounds.flat()).toEqual(many);
    expect(dial(turns, many)).toEqual(many.slice(0, 4));
  });

  it('misses none when rounds end early', () => {
    const turns = new DialTurns();
    const dialed = new Set(Array.from({ length: 6 }, () => dial(turns, many, 3)).flat());
    expect([...dialed].sort()).toEqual([...many].sort());
  });

  it('is dialed first where it was last reached, and at three others in turn', () => {
    const turns = new DialTurns();
    turns.reached(bob, many[9]!);
    const rounds = [1, 2, 3, 4, 5].map(() => dial(turns, many));
    expect(rounds.map(([first]) => first)).toEqual(Array(5).fill(many[9]));
    expect(rounds.map((round) => round.length)).toEqual([4, 4, 4, 4, 4]);
    expect(new Set(rounds.flat()).size).toBe(16);
  });

  it('starts after the last one dialed when a round ended early, even if all fit in one', () => {
    const turns = new DialTurns();
    const few = many.slice(0, 3);
    expect(dial(turns, few, 1)).toEqual([few[0]]);
    expect(turns.next(bob, few)).toEqual([few[1], few[2], few[0]]);
  });

  it('is dialed as before when its addresses change', () => {
    const turns = new DialTurns();
    dial(turns, many);
    expect(dial(turns, ['a', 'b', 'c', 'd', 'e'])).toEqual(['a', 'b', 'c', 'd']);
    expect(dial(turns, ['a', 'a', 'b'])).toEqual(['a', 'b']);
  });
});

it('a peer with few addresses is dialed at all of them, best first', () => {
  const turns = new DialTurns();
  const few = many.slice(0, 4);
  expect([1, 2].map(() => dial(turns, few))).toEqual([few, few]);
  turns.reached(bob, few[2]!);
  expect(dial(turns, few)).toEqual([few[2], few[0], few[1], few[3]]);
});
