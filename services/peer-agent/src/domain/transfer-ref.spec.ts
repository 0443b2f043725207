import { describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import fc from 'fast-check';
import { infoHash, peerNamed } from '../../test/support/ids.js';
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
  it('parses an infohash in any case, ignoring spaces around it', () => {
    expect(parseRef(` ${HEX64}\n`)).toMatchObject({ kind: 'digits', infohash: HEX64.toLowerCase() });
  });

  it('parses a magnet link, with its name if it has one', () => {
    const magnet = `magnet:?xt=urn:btmh:1220${HEX64.toLowerCase()}`;
    expect(parseRef(magnet)).toEqual({ kind: 'infohash', infohash: HEX64.toLowerCase() });
    expect(parseRef(`${magnet}&dn=a%20b`)).toMatchObject({ infohash: HEX64.toLowerCase(), name: 'a b' });
  });

  it('treats 8 to 63 digits as a prefix of an infohash, and fewer as a name', () => {
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

  it('rejects anything else with an error for people', () => {
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
  it('finds by infohash, by its prefix, and by name', () => {
    expect(find(two.infohash)).toBe(two.infohash);
    expect(find('AAAAAAAA1')).toBe(one.infohash);
    expect(find('one.bin')).toBe(one.infohash);
  });

  it('finds nothing for an unknown reference', () => {
    expect(find('cccccccc')).toBeUndefined();
    expect(find('one')).toBeUndefined();
    expect(find('f'.repeat(64))).toBeUndefined();
  });

  it('takes a file of which several names are claimed for one', () => {
    const claimed = [one, { ...one, name: 'bait.bin' }];
    expect(find(one.infohash.slice(0, 8), claimed)).toBe(one.infohash);
    expect(find('bait.bin', claimed)).toBe(one.infohash);
  });

  it.each(['aaaaaaaa', 'two.bin'])('reports %s as ambiguous, with the choices', (text) => {
    expect(() => find(text)).toThrow(
      expect.objectContaining({ code: 'precondition', reason: 'AMBIGUOUS_REF' }),
    );
    expect(() => find(text)).toThrow(/2 files.*\("two\.bin"\)/);
  });

  it('lets no file take the place of another by having the digits of its infohash as its name', () => {
    const named = { infohash: infoHash('cccccccc'), name: 'aaaaaaaa' };
    const ambiguous = expect.objectContaining({ reason: 'AMBIGUOUS_REF' });
    expect(() => find('aaaaaaaa', [one, named])).toThrow(ambiguous);
    expect(find('aaaaaaaa', [named])).toBe(named.infohash);
    const self = { infohash: infoHash('aaaaaaaa'), name: 'aaaaaaaa' };
    expect(find('aaaaaaaa', [self])).toBe(self.infohash);
  });

  it('takes names that look the same for one if strangers chose them', () => {
    const files = [
      { ...one, name: 'caf\u00e9' },
      { ...two, name: 'cafe\u0301' },
    ];
    const ambiguous = expect.objectContaining({ reason: 'AMBIGUOUS_REF' });
    expect(find('caf\u00e9', files)).toBe(one.infohash);
    expect(() => findByRef(parseRef('caf\u00e9'), files, { strangers: true })).toThrow(ambiguous);
    const spaced = [one, { ...two, name: ` ${one.name}` }];
    expect(() => findByRef(parseRef(one.name), spaced, { strangers: true })).toThrow(ambiguous);
    expect(findByRef(parseRef(one.name), [one], { strangers: true })).toBe(one);
  });

  it('lists size, publisher and date of files with the same name, whose texts cannot control a terminal', () => {
    const publication = {
      publisher: { id: peerNamed('mallory'), name: 'mal\u001b[31mlory' },
      version: 3,
      publishedAtMs: Date.parse('2026-11-30T12:34:56Z'),
    };
    const files = [
      { ...one, size: 105_000_000, publications: [publication, publication] },
      { ...two, name: one.name, size: 7 },
    ];
    expect(() => find(one.name, files)).toThrow(
      'matches 2 files: use an infohash, such as ' +
        `${one.infohash.slice(0, 16)} ("one.bin", 105000000 bytes, version 3 of "mal\\u001b[31mlory" (${peerNamed('mallory').slice(0, 8)}) and 1 more, on 2026-11-30 12:34 UTC), ` +
        `${two.infohash.slice(0, 16)} ("one.bin", 7 bytes)`,
    );
  });

  it('finds a name that could be hexadecimal digits, in capitals too', () => {
    const named = { infohash: infoHash('cccccccc'), name: 'DEADBEEF' };
    expect(find('DEADBEEF', [one, named])).toBe(named.infohash);
  });

  it('finds a name of 64 digits, unless they are the infohash of another file', () => {
    const named = { infohash: infoHash('cccccccc'), name: one.infohash };
    expect(find(HEX64, [one, { ...named, name: HEX64 }])).toBe(named.infohash);
    expect(find(one.infohash, [named, one])).toBe(one.infohash);
    expect(find(`magnet:?xt=urn:btmh:1220${one.infohash}`, [named])).toBeUndefined();
  });

  it('finds a name with spaces around it, and a name without them that was typed with them', () => {
    const spaced = { infohash: infoHash('cccccccc'), name: ' my file ' };
    const bare = { infohash: infoHash('dddddddd'), name: 'my file' };
    expect(find(' my file ', [bare, spaced])).toBe(spaced.infohash);
    expect(find('my file', [bare, spaced])).toBe(bare.infohash);
    expect(find('my file\n', [bare, spaced])).toBe(bare.infohash);
    const digits = { infohash: infoHash('eeeeeeee'), name: ' 01234567' };
    expect(find(' 01234567', [digits])).toBe(digits.infohash);
  });

  it('finds a name in the other normalisation form, an exact match first', () => {
    const composed = { infohash: infoHash('cccccccc'), name: 'caf\u00e9' };
    const marked = { infohash: infoHash('dddddddd'), name: 'cafe\u0301' };
    expect(find('cafe\u0301', [composed])).toBe(composed.infohash);
    expect(find('caf\u00e9', [marked])).toBe(marked.infohash);
    expect(find('cafe\u0301', [composed, marked])).toBe(marked.infohash);
  });
});
