import { X509Certificate } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { isRole, type Role } from '@enjambre/core/trust/certified-identity';
import { isSerial, normalSerial } from '@enjambre/core/trust/revocation-list';
import { replaceFile } from '../files/new-file.js';
import { errnoOf } from '../system-error.js';
import { identityOf } from './tls-material.js';

/** In the folder of a CA: one JSON object a line for each certificate that it has issued from there. */
const ISSUED_FILE = 'issued.jsonl';
const PRIVATE = 0o600;
/** Expired certificates are removed when the file is read with more lines. */
const MAX_LINES = 20_000;

const INTERMEDIATE = 'intermediate';

/** A certificate that a CA has issued. */
export interface IssuedRecord {
  /** See `normalSerial`. */
  readonly serial: string;
  readonly role: Role | typeof INTERMEDIATE;
  readonly peer: PeerId | undefined;
  /** Names that it allows, or the one that the holder said when it joined. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

const INTERMEDIATE_CA = { role: INTERMEDIATE, peerId: undefined, names: [] } as const;

/** What a folder keeps of a certificate. @param name what the holder said when it joined */
export function recordOf(certificate: string, name?: string): IssuedRecord {
  const parsed = new X509Certificate(certificate);
  const { role, peerId, names } = parsed.ca ? INTERMEDIATE_CA : identityOf(parsed);
  return {
    serial: normalSerial(parsed.serialNumber),
    role,
    peer: peerId,
    names: name === undefined ? names : [name],
    expiresAt: Date.parse(parsed.validTo),
  };
}

/** Adds a certificate. Throws the system's errors. */
export async function recordIssued(folder: string, record: IssuedRecord): Promise<void> {
  await appendFile(join(folder, ISSUED_FILE), lineOf(record), { mode: PRIVATE });
}

/** The certificates that have not expired, the newest last. Throws the system's errors. */
export async function readIssued(folder: string, now: number): Promise<IssuedRecord[]> {
  const path = join(folder, ISSUED_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').filter((line) => line !== '');
  const current = lines.flatMap((line) => recordsIn(line)).filter(({ expiresAt }) => expiresAt > now);
  if (lines.length > MAX_LINES && current.length < lines.length / 2)
    await replaceFile(path, current.map(lineOf).join(''), PRIVATE);
  return current;
}

function lineOf({ serial, role, peer, names, expiresAt }: IssuedRecord): string {
  const expires = new Date(expiresAt).toISOString();
  return `${JSON.stringify({ serial, role, peer, names, expires_at: expires })}\n`;
}

function isHolder(role: unknown): role is IssuedRecord['role'] {
  return typeof role === 'string' && (role === INTERMEDIATE || isRole(role));
}

/** None if a crash left half a line. */
function recordsIn(line: string): IssuedRecord[] {
  try {
    const value = Object(JSON.parse(line)) as Partial<Record<string, unknown>>;
    const { serial, role, peer, names, expires_at: expires } = value;
    const expiresAt = Date.parse(String(expires));
    if (typeof serial !== 'string' || !isSerial(serial) || !isHolder(role)) return [];
    if (!Array.isArray(names) || Number.isNaN(expiresAt)) return [];
    const id = typeof peer === 'string' ? parsePeerId(peer) : undefined;
    return [{ serial, role, peer: id, names: names.map(String), expiresAt }];
  } catch {
    return [];
  }
}
