import { describe, expect, it } from '@jest/globals';
import { parsePeerId } from '@enjambre/core/ids';
import type { Ban } from './ban-list.js';
import { findBan } from './ban-ref.js';

const banOf = (digits: string, name: string): Ban => ({
  peerId: parsePeerId(digits.padEnd(64, '0')),
  name,
  reason: 'x',
  sinceMs: 0,
  untilMs: 1,
});
const bans = [banOf('aaaaaaaa1', 'bob'), banOf('aaaaaaaa2', 'bob'), banOf('bbbbbbbb', 'aaaaaaaa1')];
const reasonOf = (text: string): unknown => {
  try {
    return findBan(text, bans);
  } catch (error) {
    return (error as { reason: string }).reason;
  }
};

describe('findBan', () => {
  it('accepts a prefix of an id in any case, and a whole id', () => {
    expect(findBan('AAAAAAAA2', bans)).toBe(bans[1]);
    expect(findBan(bans[0]!.peerId, bans)).toBe(bans[0]);
  });

  it('accepts a name, even one that looks like a prefix of another id', () => {
    expect(findBan('aaaaaaaa1', bans)).toBe(bans[2]);
  });

  it('lists the choices if the reference is ambiguous', () => {
    expect(reasonOf('bob')).toBe('AMBIGUOUS_PEER');
    expect(() => findBan('aaaaaaaa', bans)).toThrow('aaaaaaaa1000, aaaaaaaa2000: say which');
    const many = Array.from({ length: 9 }, (_, index) => banOf(`aaaaaaaa${index}`, 'eve'));
    expect(() => findBan('eve', many)).toThrow(/(aaaaaaaa\d000, ){5}…: say which/);
  });

  it('finds no ban by fewer digits, another name or an empty one', () => {
    expect(['bbbbbbb', 'Bob', 'cccccccc'].map(reasonOf)).toEqual(['NOT_BANNED', 'NOT_BANNED', 'NOT_BANNED']);
    expect(reasonOf('')).toBe('BAD_PEER');
  });
});
