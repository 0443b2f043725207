import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { nameSchema } from '../config/schemas.js';
import { verifyHello, type HelloContext } from './identity.js';

const PUBLIC_KEY_BYTES = 32;
const MAX_VERSION_CHARS = 64;

/** Fields of every hello from an agent to a service. */
export interface SignedHello {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly name: string;
  readonly version: string;
}

/**
 * Verifies a hello and returns its sender.
 *
 * @param nonce the nonce that the signature must cover
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function checkHello(
  context: HelloContext,
  { publicKey, signature, name, version }: SignedHello,
  nonce: Uint8Array,
): { readonly id: PeerId; readonly name: string } {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw badHello(`the public key does not have ${PUBLIC_KEY_BYTES} bytes`);
  const checked = nameSchema.safeParse(name);
  if (!checked.success) throw badHello(checked.error.issues[0]?.message ?? 'the name is invalid');
  if (version.length > MAX_VERSION_CHARS)
    throw badHello(`the version is longer than ${MAX_VERSION_CHARS} characters`);
  const id = verifyHello(context, nonce, publicKey, signature);
  if (id !== undefined) return { id, name: checked.data };
  const message =
    'the signature does not match the public key and the challenge: sign the nonce of this stream';
  throw new EnjambreError('unauthenticated', 'BAD_SIGNATURE', message);
}

/** The error for a malformed hello; `fault` names the violated rule, as a clause. */
export function badHello(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_HELLO', `the hello is malformed: ${fault}`);
}
