import { describe, expect, it } from '@jest/globals';
import { infoHash, peerNamed } from '../../test/support/ids.js';
import { chooseFile, versionRef, type Choice } from './choose-file.js';
import { parseRef } from './transfer-ref.js';

/** A file of these publishers: `alice 2` is version 2 of alice. */
function file(digits: string, publications: readonly string[], more: Partial<Choice> = {}): Choice {
  return {
    infohash: infoHash(digits),
    name: 'w1.bin',
    size: 7,
    superseded: false,
    publications: publications.map((text) => {
      const [name = '', version] = text.split(' ');
      return { publisher: { id: peerNamed(name), name }, version: Number(version), publishedAtMs: 0 };
    }),
    ...more,
  };
}

const old = file('aaaaaaaa1', ['alice 1'], { superseded: true });
const newest = file('aaaaaaaa2', ['alice 2']);
const other = file('bbbbbbbb', ['mallory 1']);

function choose(text: string, files: readonly Choice[], publisher?: string): string | undefined {
  return chooseFile(parseRef(text), files, publisher)?.infohash;
}

const ambiguous = expect.objectContaining({ reason: 'AMBIGUOUS_REF' });

describe('chooseFile', () => {
  it('takes the newest version of the only publisher of a name', () => {
    expect(choose('w1.bin', [old, newest])).toBe(newest.infohash);
    expect(choose('w1.bin', [old])).toBeUndefined();
  });

  it('takes another version by its number, or by digits of its infohash', () => {
    expect(choose('w1.bin@1', [old, newest])).toBe(old.infohash);
    expect(choose('w1.bin@2', [old, newest])).toBe(newest.infohash);
    expect(choose('w1.bin@AAAAAAAA1', [old, newest])).toBe(old.infohash);
    expect(choose('aaaaaaaa1', [old, newest])).toBe(old.infohash);
    expect(choose('w1.bin@3', [old, newest])).toBeUndefined();
  });

  it('refuses a name of several publishers, and a version of several', () => {
    expect(() => choose('w1.bin', [old, newest, other])).toThrow(ambiguous);
    expect(() => choose('w1.bin@1', [old, newest, other])).toThrow(ambiguous);
    // The version that is meant may be one that nobody has any more.
    expect(() => choose('w1.bin@1', [newest, other])).toThrow(ambiguous);
    expect(() => choose('w1.bin@1', [old, newest, file('cccccccc', [])])).toThrow(ambiguous);
    expect(choose('w1.bin@aaaaaaaa1', [old, newest, other])).toBe(old.infohash);
    expect(() => choose('w1.bin', [newest, other])).toThrow(/version 2 of "alice".*version 1 of "mallory"/);
  });

  it('refuses a name that also content without a publisher has', () => {
    expect(() => choose('w1.bin', [newest, file('cccccccc', [])])).toThrow(ambiguous);
  });

  it('takes content that several publishers share under the name', () => {
    expect(choose('w1.bin', [old, file('aaaaaaaa2', ['alice 2', 'bob 1'])])).toBe(newest.infohash);
  });

  it('chooses between publishers by name or id', () => {
    const all = [old, newest, other];
    expect(choose('w1.bin', all, 'alice')).toBe(newest.infohash);
    expect(choose('w1.bin', all, peerNamed('mallory').slice(0, 8))).toBe(other.infohash);
    expect(choose('w1.bin@1', all, 'alice')).toBe(old.infohash);
    expect(choose('w1.bin@2', all, 'mallory')).toBeUndefined();
  });

  it('does not take a publisher of the same name for the one that is meant', () => {
    const [publication] = other.publications;
    const alias = { ...publication!, publisher: { id: peerNamed('mallory'), name: 'alice' } };
    const all = [newest, { ...other, publications: [alias] }];
    expect(() => choose('w1.bin', all, 'alice')).toThrow(
      expect.objectContaining({ reason: 'AMBIGUOUS_PUBLISHER' }),
    );
    expect(choose('w1.bin', all, peerNamed('alice'))).toBe(newest.infohash);
  });

  it('lists the publishers if nobody matches', () => {
    expect(() => choose('w1.bin', [newest], 'bob')).toThrow(
      expect.objectContaining({ code: 'not-found', reason: 'UNKNOWN_PUBLISHER' }),
    );
    expect(() => choose('w1.bin', [newest], 'bob')).toThrow(`"alice" (${peerNamed('alice').slice(0, 16)})`);
    expect(() => choose('w1.bin', [file('cccccccc', [])], 'bob')).toThrow('no publisher of it is known');
  });

  it('lets no file take the place of a version by its name', () => {
    const bait = file('dddddddd', ['mallory 1'], { name: 'w1.bin@1' });
    expect(() => choose('w1.bin@1', [old, newest, bait])).toThrow(ambiguous);
    expect(choose('w1.bin@1', [newest, bait])).toBe(bait.infohash);
  });

  it('takes an old version by its infohash', () => {
    expect(choose(old.infohash, [old, newest])).toBe(old.infohash);
    expect(choose(`magnet:?xt=urn:btmh:1220${old.infohash}`, [old, newest])).toBe(old.infohash);
  });
});

describe('versionRef', () => {
  it.each([
    ['a@3', { name: 'a', version: { number: 3 } }],
    ['user@host.bin@1a2b3c4d', { name: 'user@host.bin', version: { digits: '1a2b3c4d' } }],
    ['a@0', undefined],
    ['a@v3', undefined],
    ['@3', undefined],
    ['user@host.bin', undefined],
  ])('parses %s', (text, parsed) => {
    expect(versionRef(parseRef(text))).toEqual(parsed);
  });
});
