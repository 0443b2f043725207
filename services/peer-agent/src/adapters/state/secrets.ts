import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { IDENTITY_FILE } from '@enjambre/common/trust/member-paths';
import writeFileAtomic from 'write-file-atomic';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { readIfThere } from './journal.js';

export const TOKEN_FILE = 'control.token';
/** A truncated file must not serve as a weak token. */
const MIN_TOKEN_CHARS = 16;
/** Whitespace, or the zeros of blocks that were never written. */
const NOTHING = /^[\s\0]*$/;

/** The agent's key pair, generated at the first start. Throws `precondition` BAD_IDENTITY. */
export async function loadIdentity(folder: string): Promise<PeerIdentity> {
  const path = join(folder, IDENTITY_FILE);
  const pem = await readOrMake(path, () => PeerIdentity.generate().toPem());
  try {
    return PeerIdentity.fromPem(pem);
  } catch (error) {
    throw new EnjambreError(
      'precondition',
      'BAD_IDENTITY',
      `${path} contains no Ed25519 key (${messageOf(error)}): restore it, or remove it to get a new identity`,
      { cause: error },
    );
  }
}

/** The token required for control over TCP, generated at the first start. Throws `precondition` BAD_TOKEN_FILE. */
export async function loadControlToken(folder: string): Promise<string> {
  const path = join(folder, TOKEN_FILE);
  const token = (await readOrMake(path, () => `${randomBytes(32).toString('base64url')}\n`)).trim();
  if (token.length >= MIN_TOKEN_CHARS) return token;
  throw new EnjambreError(
    'precondition',
    'BAD_TOKEN_FILE',
    `${path} contains no token of ${MIN_TOKEN_CHARS} characters or more: remove it to get a new one`,
  );
}

/**
 * Reads or creates a file that only its owner can read. An empty file counts as missing: it is left by a disk that was
 * full, or lost power, during creation. The file is written under another name and renamed, so it is either whole or
 * missing.
 */
async function readOrMake(path: string, make: () => string): Promise<string> {
  const there = (await readIfThere(path)).toString('utf8');
  if (!NOTHING.test(there)) return there;
  const text = make();
  await writeFileAtomic(path, text, { mode: 0o600 });
  await syncFolder(dirname(path));
  return text;
}
