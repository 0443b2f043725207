import { readFileSync } from 'node:fs';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { credsAuthenticator, nkeyAuthenticator, type Authenticator } from 'nats';
import { flagName } from '../config/options.js';
import { systemErrorText } from '../system-error.js';

/** The seed of an nkey of a user: "SU" and base32. */
const SEED = /^SU[A-Z2-7]{56}$/;

/**
 * Signs the nonce of a NATS server with the credentials in a file, which is read for each connection: it may be renewed.
 * Throws `precondition`, BAD_NATS_CREDS, if it cannot be used now.
 */
export function natsAuthenticator(file: string): Authenticator {
  let known = read(file);
  return (nonce) => {
    try {
      known = read(file);
    } catch {
      // The server judges the ones that were read last.
    }
    return known(nonce);
  };
}

function read(file: string): Authenticator {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw bad(file, `cannot be read (${systemErrorText(error)})`, error);
  }
  const authenticator = SEED.test(text)
    ? nkeyAuthenticator(Buffer.from(text))
    : credsAuthenticator(Buffer.from(text));
  try {
    // It is read when it is first used.
    authenticator('nonce');
  } catch (error) {
    throw bad(file, `holds no credentials (${messageOf(error).toLowerCase()})`, error);
  }
  return authenticator;
}

function bad(file: string, why: string, cause: unknown): EnjambreError {
  const message = `${flagName('natsCreds')}: ${file} ${why}: name a .creds file, or one with the seed of an nkey`;
  return new EnjambreError('precondition', 'BAD_NATS_CREDS', message, { cause });
}
