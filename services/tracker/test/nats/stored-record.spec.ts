import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodePublication,
  decodeRecord,
  encodePublication,
  encodeRecord,
  keyOfPublication,
} from '../../src/adapters/nats/stored-record.js';
import { MAX_PUBLICATION_BYTES } from '@enjambre/common/identity/publication-record';
import { publicationKey, type Publication } from '../../src/domain/publications.js';
import { mergeVersions, withNewest, type Versions } from '../../src/domain/versions.js';
import type { FileRecord } from '../../src/domain/catalogue.js';
import { sampleHash, samplePeer } from '../samples.js';

const infohash = sampleHash(1);
const file = { name: 'model.bin', size: 1000, pieceLength: 16_384, fileCount: 1 };
const time = '2026-11-25T10:00:00.123Z';
const record: FileRecord = { infohash, file, firstShare: { at: Date.parse(time), by: 'alice' } };
/** As a tracker of version 0.1 writes it. */
const OLDER = { ...file, sharedAt: time, sharedBy: 'alice' };

function decoded(json: object): FileRecord {
  return decodeRecord(infohash, Buffer.from(JSON.stringify(json)));
}

describe('a record of the catalogue on NATS', () => {
  it('has the fields of the vocabulary', () => {
    expect(JSON.parse(encodeRecord(record))).toMatchObject({
      name: 'model.bin',
      size_bytes: 1000,
      piece_length: 16_384,
      file_count: 1,
      shared_at: time,
      publisher: { name: 'alice' },
    });
  });

  it('has no fields for what is unknown', () => {
    const text = encodeRecord({ ...record, firstShare: undefined });
    for (const field of ['shared_at', 'publisher', 'null']) expect(text).not.toContain(field);
    expect(decodeRecord(infohash, Buffer.from(text))).toEqual({ ...record, firstShare: undefined });
  });

  it('is read as written by a tracker of version 0.1', () => {
    expect(decoded(OLDER)).toEqual(record);
    expect(decoded(file)).toEqual({ ...record, firstShare: undefined });
  });

  it('is read by a tracker of version 0.1, which drops fields that it does not know', () => {
    expect(JSON.parse(encodeRecord(record))).toMatchObject(OLDER);
  });

  it('is read without the names of version 0.1', () => {
    const { name, size_bytes, piece_length, file_count, shared_at, publisher } = JSON.parse(
      encodeRecord(record),
    ) as Record<string, unknown>;
    expect(decoded({ name, size_bytes, piece_length, file_count, shared_at, publisher })).toEqual(record);
  });
});

describe('a publication on NATS', () => {
  const publication = (name: string, contents: readonly number[]): Publication => {
    const versions = contents.reduce<Versions>(
      (before, content, at) =>
        withNewest(before, sampleHash(content), {
          now: 1_700_000_000_000 + at,
          isCopy: content % 2 === 0,
        }),
      [],
    );
    return { publisher: { id: samplePeer(1).id, name: 'alice' }, name, party: '10.0.0.1', versions };
  };
  const sample = publication('w1.bin', [1, 2]);
  const fields = JSON.parse(encodePublication(sample)) as Record<string, unknown>;
  const read = (json: unknown, key = keyOfPublication(publicationKey(sample))): Publication =>
    decodePublication(key, Buffer.from(JSON.stringify(json)));

  it('is read as it was written', () => {
    const contents = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.stringMatching(/^[\w .\u00e9-]{1,40}$/), contents, (name, shared) => {
        fc.pre(name !== '.' && name !== '..');
        const written = publication(name, shared);
        expect(
          decodePublication(
            keyOfPublication(publicationKey(written)),
            Buffer.from(encodePublication(written)),
          ),
        ).toEqual(written);
      }),
    );
  });

  it('keeps the signatures of its newest versions, and fits into a record with the longest names', () => {
    const name = '\\"'.repeat(100) + 'ñ'.repeat(27);
    const longest = Buffer.alloc(MAX_PUBLICATION_BYTES, 7).toString('base64');
    const versions = publication(name, [...Array(16).keys()]).versions.map((its) => ({
      ...its,
      signed: longest,
    }));
    const written = { ...publication(name.replaceAll('\\', '"'), []), versions: mergeVersions(versions, []) };
    const text = encodePublication({ ...written, publisher: { ...written.publisher, name: 'ñ'.repeat(64) } });
    expect(Buffer.byteLength(text)).toBeLessThan(8192);
    const again = decodePublication(keyOfPublication(publicationKey(written)), Buffer.from(text));
    expect(again.versions.map(({ signed }) => signed?.length)).toEqual([
      ...Array<number>(12).fill(0),
      ...Array<number>(4).fill(longest.length),
    ]);
  });

  it('is sorted when it is read, in whatever order it was written', () => {
    const versions = [...(fields.versions as object[])].reverse();
    expect(read({ ...fields, versions })).toEqual(sample);
  });

  it.each([
    ['another name', { name: 'w2.bin' }],
    ['a name that is a path', { name: '../w1.bin' }],
    ['no publisher', { publisher: undefined }],
    ['a publisher without an id', { publisher: { id: 'x', name: 'alice' } }],
    ['no version', { versions: [] }],
    ['too many versions', { versions: Array(17).fill((fields.versions as object[])[0]) }],
    ['version 0', { versions: [{ ...(fields.versions as object[])[0], version: 0 }] }],
    ['a wrong time', { versions: [{ ...(fields.versions as object[])[0], published_at: 'yesterday' }] }],
  ])('is refused with %s', (_, change) => {
    expect(() => read({ ...fields, ...change })).toThrow();
  });
});
