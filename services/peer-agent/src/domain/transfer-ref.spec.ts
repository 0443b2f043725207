import { describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import fc from 'fast-check';
import { infoHash } from '../../test/support/ids.js';
import { findByRef, parseRef } from './transfer-ref.js';

const HEX64 = 'AbCdEf0123456789'.repeat(4);
const one = { infohash: infoHash('aaaaaaaa1'), name: 'one.bin' };
const two = { infohash: infoHash('aaaaaaaa2'), name: 'two.bin' };
const twin = { infohash: infoHash('bbbbbbbb'), name: 'two.bin' };
const all = [one, two, twin];

function find(text: string, candidates = all): string | undefined {
  return findByRef(parseRef(text), candidates)?.infohash;
}

describe('parseRef', () => {
  it('reads an infohash of any case, spaces around it left out', () => {
    expect(parseRef(` ${HEX64}\n`)).toMatchObject({ kind: 'digits', infohash: HEX64.toLowerCase() });
  });

  it('reads a magnet link, with its name if it has one', () => {
    const magnet = `magnet:?xt=urn:btmh:1220${HEX64.toLowerCase()}`;
    expect(parseRef(magnet)).toEqual({ kind: 'infohash', infohash: HEX64.toLowerCase() });
    expect(parseRef(`${magnet}&dn=a%20b`)).toMatchObject({ infohash: HEX64.toLowerCase(), name: 'a b' });
  });

  it('takes 8 to 63 digits for the beginning of an infohash, fewer for a name', () => {
    expect(parseRef('0123456')).toMatchObject({ kind: 'name', name: '0123456' });
    expect(parseRef('01234567')).toMatchObject({ kind: 'prefix', prefix: '01234567' });
    expect(parseRef('A'.repeat(63))).toMatchObject({ kind: 'prefix', prefix: 'a'.repeat(63) });
    expect(parseRef('a'.repeat(65))).toMatchObject({ kind: 'name' });
  });

  it.each([
    ['nothing', ''],
    ['spaces', ' \t '],
    ['a name of more than 255 bytes', 'ñ'.repeat(128)],
    ['an endless magnet link', `magnet:?xt=urn:btmh:1220${HEX64}&dn=${'x'.repeat(5000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseRef(text)).toThrow(expect.objectContaining({ code: 'invalid', reason: 'BAD_REF' }));
  });

  it('refuses whatever it does not read with an error for people', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `magnet:?${text}`),
        ),
        (text) => {
          try {
            expect(['infohash', 'digits', 'prefix', 'name']).toContain(parseRef(text).kind);
          } catch (error) {
            expect(error).toBeInstanceOf(EnjambreError);
            expect((error as EnjambreError).code).toBe('invalid');
          }
        },
      ),
    );
  });
});

describe('findByRef', () => {
  it('finds by infohash, by the beginning of one, and by name', () => {
    expect(find(two.infohash)).toBe(two.infohash);
    expect(find('AAAAAAAA1')).toBe(one.infohash);
    expect(find('one.bin')).toBe(one.infohash);
  });

  it('finds nothing for what nobody has', () => {
    expect(find('cccccccc')).toBeUndefined();
    expect(find('one')).toBeUndefined();
    expect(find('f'.repeat(64))).toBeUndefined();
  });

  it.each(['aaaaaaaa', 'two.bin'])('calls %s ambiguous, and names the choices', (text) => {
    expect(() => find(text)).toThrow(
      expect.objectContaining({ code: 'precondition', reason: 'AMBIGUOUS_REF' }),
    );
    expect(() => find(text)).toThrow(/2 files.*\(two\.bin\)/);
  });

  it('prefers an exact name to the beginning of an infohash', () => {
    const named = { infohash: infoHash('cccccccc'), name: 'aaaaaaaa' };
    expect(find('aaaaaaaa', [one, two, named])).toBe(named.infohash);
  });

  it('finds a name that could be hexadecimal digits, in capitals too', () => {
    const named = { infohash: infoHash('cccccccc'), name: 'DEADBEEF' };
    expect(find('DEADBEEF', [one, named])).toBe(named.infohash);
  });

  it('finds a name of 64 digits, unless they are the infohash of another', () => {
    const named = { infohash: infoHash('cccccccc'), name: one.infohash };
    expect(find(HEX64, [one, { ...named, name: HEX64 }])).toBe(named.infohash);
    expect(find(one.infohash, [named, one])).toBe(one.infohash);
    expect(find(`magnet:?xt=urn:btmh:1220${one.infohash}`, [named])).toBeUndefined();
  });

  it('finds a name with spaces around it, and one without them that was written with them', () => {
    const spaced = { infohash: infoHash('cccccccc'), name: ' my file ' };
    const bare = { infohash: infoHash('dddddddd'), name: 'my file' };
    expect(find(' my file ', [bare, spaced])).toBe(spaced.infohash);
    expect(find('my file', [bare, spaced])).toBe(bare.infohash);
    expect(find('my file\n', [bare, spaced])).toBe(bare.infohash);
    const digits = { infohash: infoHash('eeeeeeee'), name: ' 01234567' };
    expect(find(' 01234567', [digits])).toBe(digits.infohash);
  });

  it('finds a name in the other form of its letters, its very form first', () => {
    const composed = { infohash: infoHash('cccccccc'), name: 'caf\u00e9' };
    const marked = { infohash: infoHash('dddddddd'), name: 'cafe\u0301' };
    expect(find('cafe\u0301', [composed])).toBe(composed.infohash);
    expect(find('caf\u00e9', [marked])).toBe(marked.infohash);
    expect(find('cafe\u0301', [composed, marked])).toBe(marked.infohash);
  });
});
