import { describe, expect, it } from '@jest/globals';
import { infoHash, peerNamed } from '../../test/support/ids.js';
import type { Choice } from './choose-file.js';
import { newerVersion } from './newer-version.js';
import type { Publication } from './publication.js';

function by(name: string, version: number, publishedAtMs = version * 10): Publication {
  return { publisher: { id: peerNamed(name), name }, version, publishedAtMs };
}

function file(digits: string, ...publications: Publication[]): Choice {
  return { infohash: infoHash(digits), name: 'w', size: 1, superseded: false, publications };
}

const present = { infohash: infoHash('aa'), name: 'w', publication: by('alice', 2) };
const next = (...files: Choice[]): string | undefined => newerVersion(present, files)?.infohash;

describe('newerVersion', () => {
  it('is the newest version of the same publisher', () => {
    const files = [file('aa', by('alice', 2)), file('bb', by('alice', 3)), file('cc', by('alice', 4))];
    expect(next(...files)).toBe(infoHash('cc'));
    expect(next(file('aa', by('alice', 2)), file('bb', by('alice', 1)))).toBeUndefined();
  });

  it('is never one of another publisher, also of the same name', () => {
    const imposter = { ...by('mallory', 9), publisher: { id: peerNamed('mallory'), name: 'alice' } };
    expect(next(file('aa', by('alice', 2)), file('bb', imposter))).toBeUndefined();
    expect(next(file('aa', by('alice', 2), by('mallory', 1)), file('bb', by('mallory', 2)))).toBeUndefined();
  });

  it('is found by its time after the tracker has lost its memory', () => {
    expect(next(file('bb', by('alice', 1, 500)))).toBe(infoHash('bb'));
    expect(next(file('aa', by('alice', 1, 400)), file('bb', by('alice', 2, 500)))).toBe(infoHash('bb'));
    expect(next(file('bb', by('alice', 1, 5)))).toBeUndefined();
  });

  it('is unknown without a publisher', () => {
    const files = [file('bb', by('alice', 3))];
    expect(newerVersion({ ...present, publication: undefined }, files)).toBeUndefined();
  });
});
