import { EnjambreError } from '../error.js';
import { parsePeerId, shortId, type PeerId } from '../ids.js';
import { quote } from '../quote.js';
import { matchesPattern } from './pattern.js';
import { isRight, type Limited, type Permission } from './rights.js';

/** What the holder of a certificate is in its network. */
export const ROLES = ['tracker', 'messaging', 'agent', 'operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** What a certificate says of its holder, in URIs of its subject alternative names. */
export interface CertifiedIdentity extends Limited {
  /** Name of the network: the trust domain of SPIFFE. */
  readonly network: string;
  readonly role: Role;
  /** The id of an agent: its key is the key of the certificate. */
  readonly peerId: PeerId | undefined;
  /** Names that it may have: exact, or with `*` for any characters. None: any name. */
  readonly names: readonly string[];
  /** The CA renews it for the same key: it was issued for a join token. */
  readonly renewable?: true;
}

const SCHEME = 'spiffe://';
/** More than a certificate of ours has. */
const MAX_URIS = 64;
const MAX_URI_CHARS = 2048;
const NETWORK = /^[a-z0-9][a-z0-9._-]{0,254}$/;

/** Throws `invalid`, BAD_NETWORK_NAME. */
export function checkNetworkName(text: string): string {
  if (NETWORK.test(text)) return text;
  throw new EnjambreError(
    'invalid',
    'BAD_NETWORK_NAME',
    `${quote(text)} is not the name of a network: use up to 255 of a to z, 0 to 9, ".", "_" and "-", as in a host name`,
  );
}

/** The URIs for a certificate, such as `spiffe://NETWORK/role/agent`; inverse of {@link parseIdentity}. */
export function identityUris({ network, role, peerId, names, may, renewable }: CertifiedIdentity): string[] {
  const base = `${SCHEME}${network}`;
  return [
    `${base}/role/${role}`,
    ...(peerId === undefined ? [] : [`${base}/peer/${peerId}`]),
    ...names.map((name) => `${base}/name/${encodeURIComponent(name)}`),
    ...(may ?? []).map(({ right, pattern }) => `${base}/may/${right}/${encodeURIComponent(pattern)}`),
    // Without any, the holder would have all rights.
    ...(may?.length === 0 ? [`${base}/may/none/*`] : []),
    ...(renewable ? [`${base}/renewable/yes`] : []),
  ];
}

/**
 * Reads the URIs of a certificate. Paths of kinds that are not known here are skipped: a later version may
 * know them. Throws `invalid` BAD_CERTIFICATE, with a clause that follows "the certificate …".
 */
export function parseIdentity(uris: readonly string[]): CertifiedIdentity {
  if (uris.length > MAX_URIS) throw bad(`has more than ${MAX_URIS} names`);
  const parsed = uris.filter((uri) => uri.startsWith(SCHEME)).map(parseUri);
  const [first] = parsed;
  if (!first) throw bad(`is of no network: it has no name such as ${SCHEME}NETWORK/role/agent`);
  if (parsed.some(({ network }) => network !== first.network)) throw bad('is of several networks');
  const of = (kind: string): string[] => parsed.flatMap((uri) => (uri.kind === kind ? [uri.value] : []));
  const [role, ...otherRoles] = of('role');
  const [peer, ...otherPeers] = of('peer');
  if (role === undefined || otherRoles.length > 0) throw bad('needs exactly one role');
  if (otherPeers.length > 0) throw bad('is of several peers');
  if (!isRole(role)) throw bad(`has an unknown role, ${quote(role)}`);
  return {
    network: first.network,
    role,
    peerId: peer === undefined ? undefined : parsePeerId(peer),
    names: of('name'),
    // Who has a limit that is not known here keeps the others: none of them means everything.
    ...(of('may').length > 0 && { may: of('may').flatMap(permissionIn) }),
    ...(of('renewable').includes('yes') && { renewable: true }),
  };
}

/** True if the holder may use `name`. */
export function mayBeNamed({ names }: Pick<CertifiedIdentity, 'names'>, name: string): boolean {
  return names.length === 0 || names.some((pattern) => matchesPattern(pattern, name));
}

/**
 * Checks that a peer is the one to whom the certificate of its connection was issued. Throws `denied`,
 * WRONG_CERTIFICATE.
 *
 * @param certified undefined without TLS: then everything is allowed
 */
export function checkHolder(
  certified: CertifiedIdentity | undefined,
  { id, name }: { readonly id: PeerId; readonly name: string },
): void {
  if (!certified) return;
  const { peerId, names } = certified;
  if (peerId !== undefined && peerId !== id)
    throw denied(
      `the certificate of this connection was issued to peer ${shortId(peerId)}, not to peer ${shortId(id)}: connect with your own certificate`,
    );
  if (!mayBeNamed(certified, name)) {
    const allowed = names.map(quote).join(', ');
    throw denied(
      `your certificate does not allow the name ${quote(name)}: choose one that matches ${allowed}`,
    );
  }
}

/** True for a role whose holders join with a token. */
export function mayJoin(role: Role): boolean {
  return role === 'agent' || role === 'messaging';
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** From `RIGHT/PATTERN`. None for a right of a later version. */
function permissionIn(value: string): Permission[] {
  const at = value.indexOf('/');
  const [right, pattern] = [value.slice(0, at), value.slice(at + 1)];
  const isPossible = pattern !== '' && (right !== 'operate' || pattern === '*');
  return isRight(right) && isPossible ? [{ right, pattern }] : [];
}

interface IdentityUri {
  readonly network: string;
  readonly kind: string;
  readonly value: string;
}

function parseUri(uri: string): IdentityUri {
  if (uri.length > MAX_URI_CHARS) throw bad(`has a name of more than ${MAX_URI_CHARS} characters`);
  const [network = '', kind = '', ...rest] = uri.slice(SCHEME.length).split('/');
  if (!NETWORK.test(network)) throw bad(`has a malformed name, ${quote(uri)}`);
  try {
    return { network, kind, value: decodeURIComponent(rest.join('/')) };
  } catch {
    throw bad(`has a malformed name, ${quote(uri)}`);
  }
}

function denied(message: string): EnjambreError {
  return new EnjambreError('denied', 'WRONG_CERTIFICATE', message);
}

function bad(why: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_CERTIFICATE', `the certificate ${why}`);
}
