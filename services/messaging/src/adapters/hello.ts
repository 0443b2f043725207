import { nameSchema } from '@enjambre/common/config/schemas';
import { verifyHello } from '@enjambre/common/identity/identity';
import { EnjambreError } from '@enjambre/core/error';
import type { ReceiverHello } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { PeerRef } from '../domain/message.js';

const PUBLIC_KEY_BYTES = 32;
const MAX_VERSION_CHARS = 64;

/**
 * Who says hello.
 *
 * @param nonce what the signature must cover
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function acceptHello(hello: ReceiverHello, nonce: Uint8Array): PeerRef {
  if (hello.publicKey.length !== PUBLIC_KEY_BYTES)
    throw badHello(`the public key has not ${PUBLIC_KEY_BYTES} bytes`);
  const name = nameSchema.safeParse(hello.name);
  if (!name.success) throw badHello(name.error.issues[0]?.message ?? 'the name is not understood');
  if (hello.version.length > MAX_VERSION_CHARS)
    throw badHello(`the version is longer than ${MAX_VERSION_CHARS} characters`);
  const id = verifyHello('messaging', nonce, hello.publicKey, hello.signature);
  if (id === undefined) {
    const message =
      'the signature does not fit the public key and the challenge: sign the nonce of this stream';
    throw new EnjambreError('unauthenticated', 'BAD_SIGNATURE', message);
  }
  return { id, name: name.data };
}

function badHello(what: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_HELLO', `the hello is malformed: ${what}`);
}
