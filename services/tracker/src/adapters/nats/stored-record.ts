import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import { z } from 'zod';
import type { FileRecord } from '../../domain/catalogue.js';
import { checkFileSummary } from '../../domain/file-summary.js';

const recordSchema = z.object({
  name: z.string(),
  size: z.number(),
  pieceLength: z.number(),
  fileCount: z.number(),
  sharedAt: z.iso.datetime().optional(),
  sharedBy: z.string().max(64).optional(),
});

/** Encodes a record as JSON, readable with `nats kv get`. */
export function encodeRecord({ file, firstShare }: FileRecord): string {
  const { name, size, pieceLength, fileCount } = file;
  const shared = firstShare && { sharedAt: new Date(firstShare.at).toISOString(), sharedBy: firstShare.by };
  return JSON.stringify({ name, size, pieceLength, fileCount, ...shared });
}

/** Throws any error if the value is malformed. */
export function decodeRecord(key: string, value: Uint8Array): FileRecord {
  const text = Buffer.from(value).toString();
  const { sharedAt, sharedBy = '', ...file } = recordSchema.parse(JSON.parse(text));
  checkFileSummary(file);
  const firstShare = sharedAt === undefined ? undefined : { at: Date.parse(sharedAt), by: sharedBy };
  return { infohash: parseInfoHash(key), file, firstShare };
}

/** Undefined for a foreign key. */
export function parseKey(key: string): InfoHash | undefined {
  return /^[0-9a-f]{64}$/.test(key) ? parseInfoHash(key) : undefined;
}
