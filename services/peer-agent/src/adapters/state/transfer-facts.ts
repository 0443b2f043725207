import { isAbsolute } from 'node:path';
import { MAX_VERSION_NUMBER } from '@enjambre/common/identity/publication-record';
import { parseInfoHash, parsePeerId, type InfoHash } from '@enjambre/core/ids';
import { nameFault } from '@enjambre/core/names';
import { z } from 'zod';
import { NOT_NOTED, readOwnFiles } from '../../domain/own-files.js';
import { MAX_COPIES } from '../../domain/copies.js';
import { MAX_SIGNED_CHARS, type OwnPublication, type Publication } from '../../domain/publication.js';
import type { TransferRecord } from '../../domain/transfer-record.js';

const VERSION = 1;

/** The part of a record that cannot be derived from the content, the metainfo and the progress of a transfer. */
export type TransferFacts = Pick<
  TransferRecord,
  | 'infohash'
  | 'name'
  | 'askedByName'
  | 'goal'
  | 'reason'
  | 'message'
  | 'origin'
  | 'location'
  | 'movingTo'
  | 'inPlace'
  | 'ownFiles'
  | 'assembly'
  | 'replace'
  | 'publication'
  | 'published'
  | 'follow'
  | 'select'
  | 'copies'
  | 'addedAtMs'
>;

const location = z
  .string()
  .refine((path) => isAbsolute(path) && !path.includes('\0'), 'not an absolute path');
const signed = z.base64().max(MAX_SIGNED_CHARS);
export const publishedSchema = z.object({
  version: z.int().min(1).max(MAX_VERSION_NUMBER),
  published_at: z.iso.datetime({ offset: true }),
  signed,
});
const publicationSchema = z.object({
  publisher_id: z.string().transform((text) => parsePeerId(text)),
  publisher_name: z.string().max(64).default(''),
  version: z.int().min(1),
  published_at: z.iso.datetime({ offset: true }),
  signed: signed.optional(),
});
const copySchema = z.object({ origin: z.boolean(), location, fingerprint: z.string().default('') });

/** Schema of the facts in files; rejects hostile values. */
export const factsShape = {
  infohash: z.string().transform((text) => parseInfoHash(text)),
  // The name is shown on screens; an invalid one counts as not known yet: the metainfo has it.
  name: z.string().transform((text) => (nameFault(text) === undefined ? text : '')),
  // Older versions did not record it.
  asked_by_name: z.boolean().default(false),
  goal: z.enum(['run', 'pause', 'failed']),
  // The sentence. Older versions did not record the constant.
  reason: z.string().default(''),
  reason_code: z.string().default(''),
  origin: z.boolean(),
  location,
  // Older versions do not record moves.
  moving_to: z.union([z.literal(''), location]).default(''),
  in_place: z.boolean(),
  // Older versions recorded neither.
  own_files: z.string().default(NOT_NOTED).transform(readOwnFiles),
  assembly: z.string().default(''),
  // Older versions know no versions of a name.
  replace: z.enum(['none', 'own', 'any']).default('none'),
  publication: publicationSchema.optional().catch(undefined),
  published: publishedSchema.optional().catch(undefined),
  follow: z.boolean().default(false),
  select: z.array(z.string()).default([]),
  copies: z.array(copySchema).default([]),
  added_at: z.iso.datetime({ offset: true }),
};

const factsSchema = z.object({ version: z.literal(VERSION), ...factsShape });
type EntrySchema = z.ZodObject<typeof factsShape>;

export function factsToEntry(facts: TransferFacts): z.input<EntrySchema> {
  return {
    infohash: facts.infohash,
    name: facts.name,
    ...(facts.askedByName && { asked_by_name: true }),
    goal: facts.goal,
    reason: facts.message,
    ...(facts.reason !== '' && { reason_code: facts.reason }),
    origin: facts.origin,
    location: facts.location,
    ...(facts.movingTo !== '' && { moving_to: facts.movingTo }),
    in_place: facts.inPlace,
    own_files: facts.ownFiles,
    assembly: facts.assembly,
    ...(facts.replace !== 'none' && { replace: facts.replace }),
    ...(facts.publication && { publication: publicationToEntry(facts.publication) }),
    ...(facts.published && { published: publishedToEntry(facts.published) }),
    ...(facts.follow && { follow: true }),
    ...(facts.select.length > 0 && { select: [...facts.select] }),
    ...(facts.copies.length > 0 && { copies: [...facts.copies] }),
    added_at: new Date(facts.addedAtMs).toISOString(),
  };
}

export function factsFromEntry(entry: z.output<EntrySchema>): TransferFacts {
  return {
    infohash: entry.infohash,
    name: entry.name,
    askedByName: entry.asked_by_name,
    goal: entry.goal,
    reason: entry.reason_code,
    message: entry.reason,
    origin: entry.origin,
    location: entry.location,
    movingTo: entry.moving_to,
    inPlace: entry.in_place,
    ownFiles: entry.own_files,
    assembly: entry.assembly,
    replace: entry.replace,
    publication: entry.publication && publicationFromEntry(entry.publication),
    published: entry.published && publishedFromEntry(entry.published),
    follow: entry.follow,
    select: entry.select,
    copies: entry.copies.slice(0, MAX_COPIES),
    addedAtMs: Date.parse(entry.added_at),
  };
}

function publicationToEntry(publication: Publication): z.input<typeof publicationSchema> {
  const { publisher, version, publishedAtMs, signed } = publication;
  return {
    publisher_id: publisher.id,
    publisher_name: publisher.name,
    version,
    published_at: new Date(publishedAtMs).toISOString(),
    ...(signed !== undefined && { signed }),
  };
}

export function publishedToEntry({
  version,
  publishedAtMs,
  signed,
}: OwnPublication): z.input<typeof publishedSchema> {
  return { version, published_at: new Date(publishedAtMs).toISOString(), signed };
}

export function publishedFromEntry(entry: z.output<typeof publishedSchema>): OwnPublication {
  const { version, published_at: time, signed } = entry;
  return { version, publishedAtMs: Date.parse(time), signed };
}

function publicationFromEntry(entry: z.output<typeof publicationSchema>): Publication {
  return {
    publisher: { id: entry.publisher_id, name: entry.publisher_name },
    version: entry.version,
    publishedAtMs: Date.parse(entry.published_at),
    ...(entry.signed !== undefined && { signed: entry.signed }),
  };
}

/** The text of `transfers/INFOHASH.json`. */
export function writeFacts(facts: TransferFacts): string {
  return `${JSON.stringify({ version: VERSION, ...factsToEntry(facts) }, null, 2)}\n`;
}

/**
 * Parses the text written by {@link writeFacts}. Throws the reason if it is torn, has another format, or belongs to
 * another transfer.
 */
export function readFacts(text: string, infohash: InfoHash): TransferFacts {
  const parsed = factsSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(faultOf(parsed.error));
  if (parsed.data.infohash !== infohash) throw new Error('infohash: of another transfer');
  return factsFromEntry(parsed.data);
}

/** The first fault, prefixed with the path of its field. */
export function faultOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;
}
