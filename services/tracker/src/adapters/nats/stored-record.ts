import { createHash } from 'node:crypto';
import { MAX_PUBLICATION_BYTES } from '@enjambre/common/identity/publication-record';
import { parseInfoHash, parsePeerId, type InfoHash } from '@enjambre/core/ids';
import { checkName } from '@enjambre/core/names';
import { z } from 'zod';
import type { FileRecord } from '../../domain/catalogue.js';
import { publicationKey, type Publication } from '../../domain/publications.js';
import { mergeVersions, MAX_VERSIONS } from '../../domain/versions.js';
import { checkFileSummary } from '../../domain/file-summary.js';

const MAX_NAME_CHARS = 64;
const MAX_SIGNED_CHARS = 4 * Math.ceil(MAX_PUBLICATION_BYTES / 3);
const peerName = z.string().max(MAX_NAME_CHARS);
const time = z.iso.datetime().optional();

const recordSchema = z
  .object({
    name: z.string(),
    size_bytes: z.number(),
    piece_length: z.number(),
    file_count: z.number(),
    shared_at: time,
    publisher: z.object({ name: peerName }).optional(),
  })
  .transform(({ name, publisher, ...record }) => ({
    file: { name, size: record.size_bytes, pieceLength: record.piece_length, fileCount: record.file_count },
    sharedAt: record.shared_at,
    sharedBy: publisher?.name,
  }));

/** The names of version 0.1. */
const olderSchema = z
  .object({
    name: z.string(),
    size: z.number(),
    pieceLength: z.number(),
    fileCount: z.number(),
    sharedAt: time,
    sharedBy: peerName.optional(),
  })
  .transform(({ sharedAt, sharedBy, ...file }) => ({ file, sharedAt, sharedBy }));

const id = z.string().regex(/^[0-9a-f]{64}$/);

const publicationSchema = z.object({
  name: z.string(),
  publisher: z.object({ id, name: z.string().max(MAX_NAME_CHARS) }),
  party: z.string().max(MAX_NAME_CHARS),
  versions: z
    .array(
      z.object({
        infohash: id,
        version: z.int().min(1),
        published_at: z.iso.datetime(),
        copy: z.boolean().default(false),
        signed: z.base64().max(MAX_SIGNED_CHARS).optional(),
      }),
    )
    .min(1)
    .max(MAX_VERSIONS),
});

/**
 * Encodes a record as JSON, readable with `nats kv get`. It has its fields also under the names of version 0.1: while
 * the trackers of a network are updated one by one, the older ones read it and keep who shared the file first.
 */
export function encodeRecord({ file, firstShare }: FileRecord): string {
  const { name, size, pieceLength, fileCount } = file;
  const shared_at = firstShare && new Date(firstShare.at).toISOString();
  const publisher = firstShare?.by ? { name: firstShare.by } : undefined;
  const record = {
    name,
    size_bytes: size,
    piece_length: pieceLength,
    file_count: fileCount,
    shared_at,
    publisher,
  };
  const older = { size, pieceLength, fileCount, sharedAt: shared_at, sharedBy: firstShare?.by };
  return JSON.stringify({ ...record, ...older });
}

/** Throws any error if the value is malformed. */
export function decodeRecord(key: string, value: Uint8Array): FileRecord {
  const json: unknown = JSON.parse(Buffer.from(value).toString());
  const isOlder = typeof json === 'object' && json !== null && !('size_bytes' in json);
  const { file, sharedAt, sharedBy = '' } = (isOlder ? olderSchema : recordSchema).parse(json);
  checkFileSummary(file);
  const firstShare = sharedAt === undefined ? undefined : { at: Date.parse(sharedAt), by: sharedBy };
  return { infohash: parseInfoHash(key), file, firstShare };
}

/** Undefined for a foreign key. */
export function parseKey(key: string): InfoHash | undefined {
  return /^[0-9a-f]{64}$/.test(key) ? parseInfoHash(key) : undefined;
}

/**
 * The key of a publication in the bucket.
 *
 * @param key see {@link publicationKey}
 */
export function keyOfPublication(key: string): string {
  return `publication.${createHash('sha256').update(key).digest('hex')}`;
}

export function isPublicationKey(key: string): boolean {
  return /^publication\.[0-9a-f]{64}$/.test(key);
}

/** Encodes a publication as JSON, readable with `nats kv get`. */
export function encodePublication({ name, publisher, party, versions }: Publication): string {
  const listed = versions.map(({ infohash, version, at, isCopy, signed }) => ({
    infohash,
    version,
    published_at: new Date(at).toISOString(),
    ...(isCopy && { copy: true }),
    ...(signed !== undefined && { signed }),
  }));
  return JSON.stringify({ name, publisher, party, versions: listed });
}

/** Throws any error if the value is malformed, or under another key than its own. */
export function decodePublication(key: string, value: Uint8Array): Publication {
  const { name, publisher, party, versions } = publicationSchema.parse(
    JSON.parse(Buffer.from(value).toString()),
  );
  checkName(name);
  const read = versions.map(({ infohash, version, published_at: time, copy, signed }) => ({
    infohash: parseInfoHash(infohash),
    version,
    at: Date.parse(time),
    ...(copy && { isCopy: true }),
    ...(signed !== undefined && { signed }),
  }));
  const publication = {
    name,
    publisher: { id: parsePeerId(publisher.id), name: publisher.name },
    party,
    versions: mergeVersions(read, []),
  };
  if (keyOfPublication(publicationKey(publication)) !== key)
    throw new Error('it is under the key of another publication');
  return publication;
}
