import { EnjambreError } from '@enjambre/core/error';
import { infoHashFromBytes, peerIdFromBytes, type PeerId } from '@enjambre/core/ids';
import type { Hello } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { Serving, ServingDirectory } from '../../app/serving.js';

/** It ends up on terminals: no control characters. */
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{0,64}$/;

export interface Greeting {
  readonly peerId: PeerId;
  readonly name: string;
  readonly serving: Serving;
}

/**
 * Checks a downloader's hello. Throws `invalid` BAD_HELLO, `denied` BANNED, `not-found`
 * UNKNOWN_INFOHASH.
 */
export function readHello(hello: Hello, directory: ServingDirectory): Greeting {
  let peerId: PeerId;
  let serving: Serving | undefined;
  try {
    peerId = peerIdFromBytes(hello.peerId);
    serving = directory.find(infoHashFromBytes(hello.infohash));
  } catch (error) {
    throw new EnjambreError('invalid', 'BAD_HELLO', 'peer id and infohash have 32 bytes each', {
      cause: error,
    });
  }
  if (!NAME.test(hello.name)) {
    throw new EnjambreError('invalid', 'BAD_HELLO', 'a name has at most 64 characters, none of control');
  }
  const banned = directory.banReason(peerId);
  if (banned !== undefined) throw new EnjambreError('denied', 'BANNED', `you are banned: ${banned}`);
  if (!serving) throw unknownInfohash();
  return { peerId, name: hello.name, serving };
}

export function unknownInfohash(): EnjambreError {
  return new EnjambreError(
    'not-found',
    'UNKNOWN_INFOHASH',
    'this agent does not have that file, or not any more',
  );
}
