import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { PeerIdentity } from '@enjambre/common/identity/identity';

export const IDENTITY_FILE = 'identity.pem';
export const TOKEN_FILE = 'control.token';
/** A file that was cut short, or is empty, must not open the door. */
const MIN_TOKEN_CHARS = 16;

/** The agent's key pair, made at the first start. Throws `precondition`, BAD_IDENTITY. */
export async function loadIdentity(folder: string): Promise<PeerIdentity> {
  const path = join(folder, IDENTITY_FILE);
  const pem = await readOrMake(path, () => PeerIdentity.generate().toPem());
  try {
    return PeerIdentity.fromPem(pem);
  } catch (error) {
    throw new EnjambreError(
      'precondition',
      'BAD_IDENTITY',
      `${path} holds no Ed25519 key (${messageOf(error)}): restore it, or remove it to get a new identity`,
      { cause: error },
    );
  }
}

/** The token that control over TCP asks for, made at the first start. Throws `precondition`, BAD_TOKEN_FILE. */
export async function loadControlToken(folder: string): Promise<string> {
  const path = join(folder, TOKEN_FILE);
  const token = (await readOrMake(path, () => `${randomBytes(32).toString('base64url')}\n`)).trim();
  if (token.length >= MIN_TOKEN_CHARS) return token;
  throw new EnjambreError(
    'precondition',
    'BAD_TOKEN_FILE',
    `${path} holds no token of ${MIN_TOKEN_CHARS} characters or more: remove it to get a new one`,
  );
}

/** A file for its owner's eyes alone. */
async function readOrMake(path: string, make: () => string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = make();
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return text;
  }
}
