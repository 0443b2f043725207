import { describe, expect, it } from '@jest/globals';
import { decodeRecord, encodeRecord } from '../../src/adapters/nats/stored-record.js';
import type { FileRecord } from '../../src/domain/catalogue.js';
import { sampleHash } from '../samples.js';

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
