import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { replaceFile } from '../files/new-file.js';
import { errnoOf } from '../system-error.js';
import { PeerIdentity } from './identity.js';

/** The Ed25519 key in a file, made if there is none; only its owner can read it. Throws `precondition`, BAD_IDENTITY. */
export async function loadOrMakeKey(path: string): Promise<PeerIdentity> {
  try {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) return PeerIdentity.fromPem(text);
    const made = PeerIdentity.generate();
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await replaceFile(path, made.toPem(), 0o600);
    return made;
  } catch (error) {
    const message = `${path} cannot be used as a private key (${messageOf(error)}): restore it, or remove it to get a new one`;
    throw new EnjambreError('precondition', 'BAD_IDENTITY', message, { cause: error });
  }
}
