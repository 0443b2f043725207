import { z } from 'zod';
import type { KeptName } from '../../domain/kept-names.js';
import type { KnownPeer } from '../../domain/roster.js';

// Records of the contacts as JSON, readable with `nats kv get`. They have their fields also under the names of version
// 0.1, so that a service of that version, started again after this one, reads them.

const MAX_NAME_CHARS = 64;
const name = z.string().min(1).max(MAX_NAME_CHARS);
const party = z.string().max(MAX_NAME_CHARS).default('');
const time = z.iso.datetime().transform((text) => Date.parse(text));

const peerSchema = z
  .object({
    name,
    seen_at: time,
    known_at: time,
    named_at: time,
    party,
    present_seconds: z.number().default(0),
    took_part: z.boolean().default(true),
  })
  .transform((record) => ({
    name: record.name,
    seenAt: record.seen_at,
    knownSince: record.known_at,
    namedAt: record.named_at,
    party: record.party,
    presentMs: Math.round(record.present_seconds * 1000),
    tookPart: record.took_part,
  }));

const olderPeerSchema = z
  .object({
    name,
    seenAt: z.number(),
    // Absent from the earliest versions: such a peer may have taken part.
    knownSince: z.number().optional(),
    namedAt: z.number().optional(),
    party,
    presentMs: z.number().default(0),
    tookPart: z.boolean().default(true),
  })
  .transform(({ namedAt: named, knownSince, ...peer }) => {
    const namedAt = named ?? peer.seenAt;
    return { ...peer, namedAt, knownSince: knownSince ?? namedAt };
  });

const nameSchema = z.object({ name, named_at: time, party, expires_at: time }).transform((record) => ({
  name: record.name,
  namedAt: record.named_at,
  party: record.party,
  keptUntil: record.expires_at,
}));

const olderNameSchema = z.object({ name, namedAt: z.number(), party, keptUntil: z.number() });

export function encodePeer(peer: Omit<KnownPeer, 'id'>): string {
  const record = {
    seen_at: textOf(peer.seenAt),
    known_at: textOf(peer.knownSince),
    named_at: textOf(peer.namedAt),
    present_seconds: peer.presentMs / 1000,
    took_part: peer.tookPart,
  };
  return JSON.stringify({ ...peer, ...record });
}

/** Throws any error if the value is malformed. */
export function decodePeer(text: string): Omit<KnownPeer, 'id'> {
  const json: unknown = JSON.parse(text);
  return has(json, 'seen_at') ? peerSchema.parse(json) : olderPeerSchema.parse(json);
}

export function encodeName(kept: Omit<KeptName, 'id'>): string {
  return JSON.stringify({ ...kept, named_at: textOf(kept.namedAt), expires_at: textOf(kept.keptUntil) });
}

/** Throws any error if the value is malformed. */
export function decodeName(text: string): Omit<KeptName, 'id'> {
  const json: unknown = JSON.parse(text);
  return has(json, 'expires_at') ? nameSchema.parse(json) : olderNameSchema.parse(json);
}

function has(json: unknown, field: string): boolean {
  return typeof json === 'object' && json !== null && field in json;
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}
