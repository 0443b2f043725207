import { z } from 'zod';
import type { Fact } from './event-bus.js';
import type { FactCase } from './event-types.js';

/**
 * Schemas of the data of each kind of event, as the proto defines them. Fields of later versions are dropped.
 */

/** Bound of every text in an event: names, reasons, addresses, the beginning of a message. */
const MAX_TEXT_CHARS = 1024;
const MAX_ID_CHARS = 64;

const text = z.string().max(MAX_TEXT_CHARS);
const hexId = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
const messageId = z.string().min(1).max(MAX_ID_CHARS);
/** A JSON number, or its decimal digits where a number would lose precision. */
const count = z
  .union([z.int().nonnegative(), z.string().regex(/^[0-9]{16,20}$/)])
  .transform((value) => BigInt(value))
  .refine((value) => value < 2n ** 64n, 'a count must be less than 2^64');

const peer = z.object({ peerId: hexId, name: text });
const file = z.object({ infohash: hexId, name: text, size: count });
const about = z.object({ peer, file });

const SCHEMAS = {
  peerConnected: z.object({ peer, endpoint: text, version: text }),
  peerDisconnected: z.object({ peer, reason: text }),
  // Without the transform, an absent file would also remove the key.
  peerBanned: z
    .object({ peer, by: peer, reason: text, file: file.optional() })
    .transform((value) => ({ ...value, file: value.file })),
  peerThrottled: z.object({ peer, events: count, seconds: count }),
  fileShared: about,
  fileWithdrawn: about,
  downloadStarted: about,
  downloadProgressed: about.extend({ bytesLeft: count }),
  downloadCompleted: about.extend({ bytesDownloaded: count }),
  downloadFailed: about.extend({ reason: text }),
  messageSent: z.object({
    sender: peer,
    messageId,
    target: text,
    targetName: text,
    preview: text,
    // Absent from services before this field.
    bytes: count.default(0n),
  }),
  messageDelivered: z.object({ sender: peer, messageId, receiver: peer }),
} satisfies { readonly [Case in FactCase]: z.ZodType<Extract<Fact, { $case: Case }>['value']> };

/** The JSON of a fact: snake_case keys; counts are numbers where these are exact. */
export function toData(fact: Fact): unknown {
  return toJson(fact.value);
}

/** Parses JSON of {@link toData}, or of any other source. Throws an error with the fault. */
export function fromData($case: FactCase, data: unknown): Fact {
  const parsed = SCHEMAS[$case].safeParse(renameKeys(data, camelCase));
  if (parsed.success) return { $case, value: parsed.data } as Fact;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid value'}`);
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
  // Lone surrogates must not be sent: other decoders reject them.
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [snakeCase(key), toJson(field)]));
}

/** Renames keys of nested objects, at most two levels deep: no event has deeper ones. */
function renameKeys(value: unknown, rename: (key: string) => string, depth = 2): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return value;
  const entries = Object.entries(value).map(([key, field]) => [
    rename(key),
    renameKeys(field, rename, depth - 1),
  ]);
  return Object.fromEntries(entries);
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
