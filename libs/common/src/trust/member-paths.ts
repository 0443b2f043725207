import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../system-error.js';
import { tlsPathsIn, type TlsPaths } from './tls-store.js';

/** In the data folder of an agent. */
const TLS_FOLDER = 'tls';
/** The private key of an agent, in its data folder. */
export const IDENTITY_FILE = 'identity.pem';

/** The certificate that an agent got when it joined a network; its key is that of the agent. */
export function memberPaths(dataDir: string): TlsPaths {
  return { ...tlsPathsIn(join(dataDir, TLS_FOLDER)), key: join(dataDir, IDENTITY_FILE) };
}

/** True if the agent with this data folder has joined a network. */
export function hasJoined(dataDir: string): boolean {
  return isMember(memberPaths(dataDir));
}

/**
 * True if a program with these files has joined a network. A folder that cannot be read counts: without its certificate
 * the program must not connect in plaintext.
 */
export function isMember({ cert }: Pick<TlsPaths, 'cert'>): boolean {
  try {
    lstatSync(cert);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR';
  }
}
