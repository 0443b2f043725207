import { EnjambreError } from '../error.js';
import { parsePeerId, type PeerId } from '../ids.js';
import { checkNetworkName } from './certified-identity.js';
import { badSignedList, objectIn } from './signed-text.js';

/** What is revoked: the key of a peer, with all certificates for it, or one certificate. */
export type Revoked =
  | { readonly peer: PeerId; readonly serial?: undefined }
  | { readonly serial: string; readonly peer?: undefined };

/** One entry of a list. */
export type Revocation = Revoked & {
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
  /** When all certificates that it concerns have expired, in milliseconds since 1970. */
  readonly expiresAt: number;
};

/** What one CA has revoked. */
export interface RevocationList {
  readonly network: string;
  /** Higher than in any earlier list of this CA. */
  readonly number: number;
  readonly revocations: readonly Revocation[];
}

/** A longer list would not fit into one message. */
export const MAX_REVOCATIONS = 5000;
const MAX_SERIAL_DIGITS = 40;

/** The text that the CA signs; inverse of {@link readRevocationList}. Throws `exhausted`, TOO_MANY_REVOCATIONS. */
export function revocationText({ network, number, revocations }: RevocationList): string {
  if (revocations.length > MAX_REVOCATIONS) {
    const message = `a CA revokes at most ${MAX_REVOCATIONS} certificates at a time: replace the CA with \`enjambre ca rotate\``;
    throw new EnjambreError('exhausted', 'TOO_MANY_REVOCATIONS', message);
  }
  const entries = revocations.map(({ peer, serial, revokedAt, expiresAt }) => ({
    ...(peer === undefined ? { serial } : { peer }),
    revoked_at: new Date(revokedAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  }));
  return JSON.stringify({ network, number, revocations: entries });
}

/** Reads a list whose signature was checked. Throws `invalid`, BAD_SIGNED_LIST or BAD_NETWORK_NAME. */
export function readRevocationList(text: string): RevocationList {
  const { network, number, revocations } = objectIn(text);
  if (typeof network !== 'string' || !Number.isSafeInteger(number) || Number(number) < 1)
    throw badSignedList('it has no network and number');
  if (!Array.isArray(revocations) || revocations.length > MAX_REVOCATIONS)
    throw badSignedList(`it has no revocations, or more than ${MAX_REVOCATIONS}`);
  return {
    network: checkNetworkName(network),
    number: Number(number),
    revocations: revocations.map(revocationIn),
  };
}

/**
 * The list with more revocations and a higher number, without those that have expired. What is revoked already keeps its
 * time. The number is at least the time: a CA whose folder has lost its list has to exceed the lost number.
 *
 * @param now milliseconds since 1970
 */
export function withRevocations(
  known: RevocationList,
  added: readonly Revocation[],
  now: number,
): RevocationList {
  const revocations = new Map<string, Revocation>();
  for (const each of [...known.revocations, ...added]) {
    const before = revocations.get(keyOf(each));
    const expiresAt = Math.max(each.expiresAt, before?.expiresAt ?? 0);
    if (expiresAt > now) revocations.set(keyOf(each), { ...(before ?? each), expiresAt });
  }
  return { ...known, number: Math.max(known.number + 1, now), revocations: [...revocations.values()] };
}

/** A serial number as lists have it: hex digits in lower case, without leading zeros. */
export function normalSerial(serial: string): string {
  return serial
    .toLowerCase()
    .replaceAll(':', '')
    .replace(/^0+(?=.)/, '');
}

/** True for the digits of a serial number. */
export function isSerial(text: string): boolean {
  return text.length <= MAX_SERIAL_DIGITS && /^[0-9a-f]+$/.test(text);
}

function keyOf({ peer, serial }: Revoked): string {
  return peer ?? `serial ${serial}`;
}

function revocationIn(value: unknown): Revocation {
  const {
    peer,
    serial,
    revoked_at: revokedAt,
    expires_at: expiresAt,
  } = Object(value) as Partial<Record<string, unknown>>;
  const times = { revokedAt: timeIn(revokedAt), expiresAt: timeIn(expiresAt) };
  if (typeof peer === 'string') return { peer: parsePeerId(peer), ...times };
  if (typeof serial === 'string' && isSerial(serial)) return { serial: normalSerial(serial), ...times };
  throw badSignedList('a revocation names no peer and no serial number');
}

function timeIn(value: unknown): number {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) throw badSignedList('a revocation has no time');
  return time;
}
