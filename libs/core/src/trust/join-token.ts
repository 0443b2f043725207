import { EnjambreError } from '../error.js';
import {
  MAX_PERMISSIONS,
  tooManyPermissions,
  parsePermission,
  permissionText,
  type Permission,
} from './rights.js';
import { checkNetworkName, isRole, type Role } from './certified-identity.js';

/** What a join token allows. */
export interface JoinTerms {
  /** Distinguishes tokens; 32 hex digits. */
  readonly id: string;
  readonly network: string;
  /** SHA-256 of the CA's certificate in DER; 64 hex digits. */
  readonly ca: string;
  readonly role: Role;
  /** Names that the certificate will allow; empty for any. */
  readonly names: readonly string[];
  /** What the certificate will allow; undefined for all that the role does. */
  readonly may?: readonly Permission[] | undefined;
  /** How many certificates it is good for. */
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A token that was read. Nothing is proven until the signature over `signed` is checked. */
export interface ReadToken {
  readonly terms: JoinTerms;
  readonly signed: string;
  readonly signature: string;
  /** Certificate of the intermediate CA that has signed, DER in base64url. @default the CA itself has */
  readonly signer?: string;
}

const PREFIX = 'enj1';
const MAX_CHARS = 4096;
const MAX_NAMES = 16;
const MAX_USES = 10_000;

/** The part of a token that the CA signs. Throws `invalid`, BAD_OPTION, for more names than a token has room for. */
export function signedPart(terms: JoinTerms): string {
  if (terms.names.length > MAX_NAMES) {
    const message = `a join token allows at most ${MAX_NAMES} names: use patterns, such as web-*`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message);
  }
  if ((terms.may?.length ?? 0) > MAX_PERMISSIONS) throw tooManyPermissions();
  const { id, network, ca, role, names, may, uses, expiresAt } = terms;
  const text = JSON.stringify({
    ...{ id, network, ca, role, names, uses, expires_at: expiresAt },
    ...(may && { may: may.map(permissionText) }),
  });
  return `${PREFIX}.${Buffer.from(text).toString('base64url')}`;
}

/**
 * The token, from its signed part and the signature in base64url.
 *
 * @param signer see {@link ReadToken}
 */
export function joinToken(signed: string, signature: string, signer?: string): string {
  return signer === undefined ? `${signed}.${signature}` : `${signed}.${signature}.${signer}`;
}

/** Reads a token; inverse of {@link joinToken}. Throws `invalid`, BAD_JOIN_TOKEN. */
export function readJoinToken(text: string): ReadToken {
  const [prefix, body = '', signature = '', signer, ...rest] = text.trim().split('.');
  if (text.length > MAX_CHARS || prefix !== PREFIX || signature === '' || signer === '' || rest.length > 0)
    throw bad();
  const read = { terms: termsIn(body), signed: `${prefix}.${body}`, signature };
  return signer === undefined ? read : { ...read, signer };
}

function termsIn(body: string): JoinTerms {
  let value: Partial<Record<string, unknown>>;
  try {
    value = Object(JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))) as typeof value;
  } catch (error) {
    throw bad(error);
  }
  const { id, network, ca, role, names, may, uses, expires_at: expiresAt } = value;
  const isValid =
    isHex(id, 32) && isHex(ca, 64) && isCount(uses, MAX_USES) && isCount(expiresAt, Number.MAX_SAFE_INTEGER);
  if (!isValid || typeof network !== 'string' || typeof role !== 'string' || !isRole(role)) throw bad();
  if (!Array.isArray(names) || names.length > MAX_NAMES || !names.every((name) => typeof name === 'string'))
    throw bad();
  const terms = { id, network: checkNetworkName(network), ca, role, names, uses, expiresAt };
  return may === undefined ? terms : { ...terms, may: permissionsIn(may) };
}

function permissionsIn(may: unknown): Permission[] {
  if (!Array.isArray(may) || may.length > MAX_PERMISSIONS) throw bad();
  try {
    return may.map((text) => parsePermission(String(text)));
  } catch (error) {
    throw bad(error);
  }
}

function isHex(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

function bad(cause?: unknown): EnjambreError {
  const message = 'this is not a join token: copy the whole line that `enjambre ca token` printed';
  return new EnjambreError('invalid', 'BAD_JOIN_TOKEN', message, { cause });
}
