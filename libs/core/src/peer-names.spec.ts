import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { parsePeerId } from './ids.js';
import { canonicalName, MAX_PEER_NAME_CHARS, nameKey, shownName } from './peer-names.js';

/** Text in which hidden, blank and compatibility characters are frequent. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.constantFrom(
        'a',
        'A',
        ' ',
        '\u200b',
        '\u202e',
        '\u034f',
        '\u3164',
        '\u0301',
        '\u00b4',
        'ﬁ',
        'Σ',
        'ı',
        '(1a2b3c4d)',
      ),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

describe('the name of a peer', () => {
  test.each([
    ['alice', 'alice'],
    ['Zoë 東京', 'Zoë 東京'],
    ['cafe\u0301', 'caf\u00e9'],
    ['al\u200bice', 'alice'],
    ['\u202ealice\u202c', 'alice'],
    ['al\u00adice\ufeff', 'alice'],
    ['alice\ufe0f\u3164', 'alice'],
    ['ａｌｉｃｅ', 'alice'],
    ['𝓪lice', 'alice'],
    ['  al\u00a0\u2003ice ', 'al ice'],
    ['alice\u2800', 'alice'],
    ['e\u034f\u0301', '\u00e9'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['e\u0301'.repeat(64), 'é'.repeat(64)],
  ])('%j is seen as %j', (given, seen) => expect(canonicalName(given)).toBe(seen));

  test.each([
    ['', 'is missing'],
    ['   ', 'is missing'],
    ['\u200b\u3164', 'shows no character'],
    ['a\nb', 'control character'],
    ['\u009b1m', 'control character'],
    ['a\u2028b', 'control character'],
    ['\ud800', 'not valid Unicode'],
    ['x'.repeat(65), 'longer than 64 characters'],
    ['\ufdfa'.repeat(10), 'longer than 64 characters'],
    ['\u200b'.repeat(257), 'longer than 64 characters'],
    ['alice (1a2b3c4d)', 'mark a second peer'],
    ['alice (1A2B3C4D\u200b)', 'mark a second peer'],
  ])('cannot be %j: %s', (name, fault) => {
    const error = faultOf(() => canonicalName(name));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_NAME' });
    expect(error.message).toContain(fault);
  });

  test('is in its only form, visible and of limited length, whatever is given', () => {
    fc.assert(
      fc.property(text, (given) => {
        let name: string;
        try {
          name = canonicalName(given);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'BAD_NAME' });
          return;
        }
        expect(canonicalName(name)).toBe(name);
        expect(name.length).toBeLessThanOrEqual(MAX_PEER_NAME_CHARS);
        expect(name).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u);
        expect(name).toMatch(/^\S(.*\S)?$/u);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['Alice', 'aLICE'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδοσ'],
  ])('%j is the same name as %j', (one, other) => expect(nameKey(one)).toBe(nameKey(other)));

  test('is another name if a letter differs', () => expect(nameKey('alice')).not.toBe(nameKey('alicé')));

  test('that another peer used first is shown with the beginning of the id', () => {
    expect(shownName('alice', parsePeerId('1a2b3c4d'.repeat(8)))).toBe('alice (1a2b3c4d)');
    const long = shownName('🐝'.repeat(32), parsePeerId('1a2b3c4d'.repeat(8)));
    expect([long.length <= MAX_PEER_NAME_CHARS, long.isWellFormed(), long.endsWith('🐝 (1a2b3c4d)')]).toEqual(
      [true, true, true],
    );
  });
});
