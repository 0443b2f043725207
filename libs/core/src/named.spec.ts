import { describe, expect, it } from '@jest/globals';
import { idDigits, withDigits, withName } from './named.js';

const named = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));

describe('a name', () => {
  it('prefers an exact match to one that only looks the same', () => {
    const [composed, decomposed] = named('é.bin', 'e\u0301.bin');
    expect(withName('e\u0301.bin', [composed!, decomposed!])).toEqual([decomposed]);
    expect(withName('e\u0301.bin', [composed!])).toEqual([composed]);
  });

  it('is matched without surrounding spaces if there is no match with them', () => {
    expect(withName(' a ', named('a', ' a '))).toEqual(named(' a '));
    expect(withName(' a ', named('a'))).toEqual(named('a'));
    expect(withName('a', named(' a '))).toEqual([]);
  });
});

describe('digits of an id', () => {
  it('are 8 to 64 hexadecimal ones, of any case', () => {
    expect(idDigits('ABCDEF01')).toBe('abcdef01');
    for (const text of ['abcdef0', 'a'.repeat(65), 'abcdefgh', ' abcdef01'])
      expect(idDigits(text)).toBe(undefined);
  });

  it('find all ids with this prefix', () => {
    const ids = ['abcdef0123', 'abcdef0199', 'ffffffff00'];
    expect(withDigits('ABCDEF01', ids, (id) => id)).toEqual(['abcdef0123', 'abcdef0199']);
    expect(withDigits('abc', ids, (id) => id)).toEqual([]);
  });
});
