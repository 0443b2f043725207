import { z } from 'zod';
import type { MessageSent } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Fact } from './event-bus.js';
import type { FactCase } from './event-types.js';

/**
 * Schemas of the data of each kind of event, as the proto defines them, and fields that are absent if they are empty.
 * Fields of later versions are dropped.
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

const absentText = text.default('');
const absentCount = count.default(0n);

/** A constant for programs. */
const reason = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
  .default('');

const peer = z.object({ id: hexId, name: absentText });
const file = z.object({ infohash: hexId, name: absentText, sizeBytes: absentCount });
const about = z.object({ peer, file });
const addressee = z.object({
  receiver: peer.optional(),
  room: text.min(1).optional(),
  everyone: z.literal(true).optional(),
});

const SCHEMAS = {
  peerConnected: z.object({ peer, endpoint: absentText, version: absentText }),
  peerDisconnected: z.object({ peer, message: absentText }),
  // Without the transform, an absent file would also remove the key.
  peerBanned: z
    .object({ peer, reporter: peer, message: absentText, file: file.optional() })
    .transform((value) => ({ ...value, file: value.file })),
  peerThrottled: z.object({ peer, eventCount: count, periodSeconds: count }),
  fileShared: about,
  fileWithdrawn: about,
  downloadStarted: about,
  downloadProgressed: about.extend({ leftBytes: count }),
  downloadCompleted: about.extend({ downloadedBytes: count, leftBytes: count.optional() }),
  downloadFailed: about.extend({ message: absentText, reason }),
  messageSent: addressee
    .extend({ sender: peer, messageId, preview: absentText, sizeBytes: absentCount })
    .transform(({ receiver, room, everyone, ...message }, context) => {
      const [to, another] = targetsOf({ receiver, room, everyone });
      if (to && !another) return { ...message, ...to };
      context.addIssue('it must be for a receiver, a room or everyone');
      return z.NEVER;
    }),
  messageDelivered: z.object({ sender: peer, messageId, receiver: peer }),
} satisfies { readonly [Case in FactCase]: z.ZodType<Extract<Fact, { $case: Case }>['value']> };

/** Names in events of services before `dataschema`: a stream may hold such events, and a service may be older. */
const OLDER_NAMES: ReadonlyMap<string, string> = new Map([
  ['peer_id', 'id'],
  ['size', 'size_bytes'],
  ['bytes', 'size_bytes'],
  ['bytes_left', 'left_bytes'],
  ['bytes_downloaded', 'downloaded_bytes'],
  ['reason', 'message'],
  ['by', 'reporter'],
  ['events', 'event_count'],
  ['seconds', 'period_seconds'],
]);

/** The JSON of a fact: snake_case keys; counts are numbers where these are exact; empty texts and sizes are absent. */
export function toData({ $case, value }: Fact): unknown {
  return toJson($case === 'messageSent' ? withAddressee(value) : value);
}

/**
 * Parses JSON of {@link toData}, or of any other source. Throws an error with the fault.
 *
 * @param isOlder with the names of events without `dataschema`
 */
export function fromData($case: FactCase, data: unknown, isOlder = false): Fact {
  const parsed = SCHEMAS[$case].safeParse(renameKeys(isOlder ? ofToday(data) : data, camelCase));
  if (parsed.success) return { $case, value: parsed.data } as Fact;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid value'}`);
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
  // Lone surrogates must not be sent: other decoders reject them.
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(
    ([key, field]) => field !== '' && !(key === 'sizeBytes' && field === 0n),
  );
  return Object.fromEntries(fields.map(([key, field]) => [snakeCase(key), toJson(field)]));
}

function withAddressee({ target: to, targetName, ...message }: MessageSent): object {
  return { ...message, ...addresseeOf(to, targetName) };
}

/** In JSON, a message is for a `receiver`, a `room` or `everyone`. */
function addresseeOf(target: string, name: unknown): object {
  if (target.startsWith('peer:')) return { receiver: { id: target.slice('peer:'.length), name } };
  return target === 'all' ? { everyone: true } : { room: target.slice('room:'.length) };
}

function targetsOf({
  receiver,
  room,
  everyone,
}: z.infer<typeof addressee>): Pick<MessageSent, 'target' | 'targetName'>[] {
  return [
    ...(receiver ? [{ target: `peer:${receiver.id}`, targetName: receiver.name }] : []),
    ...(room === undefined ? [] : [{ target: `room:${room}`, targetName: room }]),
    ...(everyone ? [{ target: 'all', targetName: 'everyone' }] : []),
  ];
}

/** Data of an older service, with the names of this version. */
function ofToday(data: unknown): unknown {
  const renamed = renameKeys(data, (key) => OLDER_NAMES.get(key) ?? key);
  if (typeof renamed !== 'object' || renamed === null) return renamed;
  if (!('target' in renamed) || typeof renamed.target !== 'string') return renamed;
  const { target, ...rest } = renamed;
  return { ...rest, ...addresseeOf(target, 'target_name' in rest ? rest.target_name : undefined) };
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
