import { checkNetworkName } from './certified-identity.js';
import { badSignedList, objectIn } from './signed-text.js';

/** The CAs that the members of a network trust. */
export interface AuthorityList {
  readonly network: string;
  /** Higher than in any earlier list. */
  readonly number: number;
  /** Root certificates in PEM; the one that issues now is first. */
  readonly certificates: readonly string[];
}

/** More than a network has while its CA is replaced. */
const MAX_CERTIFICATES = 8;
const MAX_PEM_CHARS = 8192;

/** The text that a CA signs; inverse of {@link readAuthorityList}. */
export function authorityListText({ network, number, certificates }: AuthorityList): string {
  return JSON.stringify({ network, number, certificates });
}

/** Reads a list whose signature was checked. Throws `invalid`, BAD_SIGNED_LIST or BAD_NETWORK_NAME. */
export function readAuthorityList(text: string): AuthorityList {
  const { network, number, certificates } = objectIn(text);
  if (typeof network !== 'string' || !Number.isSafeInteger(number) || Number(number) < 1)
    throw badSignedList('it has no network and number');
  if (!isCertificates(certificates)) throw badSignedList('it has no certificates, or too many');
  return { network: checkNetworkName(network), number: Number(number), certificates };
}

function isCertificates(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CERTIFICATES) return false;
  return value.every((each) => typeof each === 'string' && each.length <= MAX_PEM_CHARS);
}
