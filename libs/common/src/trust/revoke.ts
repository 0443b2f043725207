import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import {
  readRevocationList,
  revocationText,
  withRevocations,
  type Revocation,
  type RevocationList,
} from '@enjambre/core/trust/revocation-list';
import type { SignedText } from '@enjambre/core/trust/signed-text';
import type { Credential } from './authority.js';
import { readSignedLists, REVOCATIONS_FILE, writeSignedLists } from './revocations.js';
import { signedBy } from './signed-by-ca.js';

/** A CA with its folder. */
export interface CaInFolder {
  readonly folder: string;
  readonly ca: Credential;
  readonly network: string;
}

/** What the CA itself has revoked. Throws `precondition`, BAD_REVOCATIONS. */
export async function ownRevocations({ folder, ca, network }: CaInFolder): Promise<RevocationList> {
  const lists = await readSignedLists(join(folder, REVOCATIONS_FILE));
  const own = lists.find(isOf(ca));
  return own ? readRevocationList(own.signed) : { network, number: 0, revocations: [] };
}

/**
 * Adds revocations to the list of a CA, signs it, and writes it to the folder of the CA beside the lists of others. Throws
 * `precondition` BAD_REVOCATIONS, `exhausted` TOO_MANY_REVOCATIONS, and the system's errors.
 */
export async function revoke(
  at: CaInFolder,
  added: readonly Revocation[],
  now: number,
): Promise<RevocationList> {
  const { folder, ca } = at;
  const path = join(folder, REVOCATIONS_FILE);
  const list = withRevocations(await ownRevocations(at), added, now);
  const others = (await readSignedLists(path)).filter((each) => !isOf(ca)(each));
  await writeSignedLists(path, [signedBy(ca, 'revocation list', revocationText(list)), ...others]);
  return list;
}

function isOf({ cert }: Credential): (text: SignedText) => boolean {
  const { fingerprint256 } = new X509Certificate(cert);
  return ({ signer }) => new X509Certificate(signer).fingerprint256 === fingerprint256;
}
