import { boundText, unboundHello, type HelloBinding } from '@enjambre/common/identity/bound-hello';
import { fieldsOf } from '@enjambre/common/identity/hello';
import { verifyBound, verifyHello } from '@enjambre/common/identity/identity';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import {
  infoHashFromBytes,
  infoHashToBytes,
  peerIdFromBytes,
  peerIdToBytes,
  type InfoHash,
  type PeerId,
} from '@enjambre/core/ids';
import { labelsFault, type Labels } from '@enjambre/core/labels';
import { hasRight, type Limited } from '@enjambre/core/trust/rights';
import { canonicalName } from '@enjambre/core/peer-names';
import { Hello } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { CONTENT_CHANGED } from '../../app/ports/piece-store.js';
import type { Serving, ServingDirectory } from '../../app/upload/serving.js';

/** Values that the signature of a downloader's hello must cover; see Challenge in the proto. */
export interface HelloTerms {
  readonly nonce: Uint8Array;
  readonly uploader: PeerId;
}

/** What a hello over this connection must be like. */
interface HelloRules extends HelloTerms {
  /** The holder of the certificate of this connection. Then version 2 is required; without TLS earlier programs send 1. */
  readonly holder: Limited | undefined;
}

export interface Greeting {
  readonly peerId: PeerId;
  readonly name: string;
  readonly labels: Labels;
  readonly serving: Serving;
}

/** The bytes to sign in version 1. */
export function helloTerms({ nonce, uploader }: HelloTerms, infohash: InfoHash): Buffer {
  return Buffer.concat([nonce, peerIdToBytes(uploader), infoHashToBytes(infohash)]);
}

/**
 * Verifies a downloader's hello. Throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE, `denied` BANNED,
 * `not-found` UNKNOWN_INFOHASH or CONTENT_CHANGED.
 */
export function readHello(received: Hello, terms: HelloRules, directory: ServingDirectory): Greeting {
  if (received.signed === undefined && terms.holder) throw unboundHello();
  const hello = received.signed === undefined ? received : fieldsOf(received, Hello);
  const { peerId, infohash } = readIds(hello);
  const name = readName(hello);
  const fault = labelsFault(hello.labels);
  if (fault !== undefined) throw new EnjambreError('invalid', 'BAD_HELLO', fault);
  if (signerOf(hello, terms, infohash) !== peerId) {
    const message = 'the signature does not match the peer id and the challenge';
    throw new EnjambreError('unauthenticated', 'BAD_SIGNATURE', message);
  }
  const banned = directory.banReason(peerId);
  if (banned !== undefined) throw new EnjambreError('denied', 'BANNED', `you are banned: ${banned}`);
  const serving = directory.find(infohash);
  // One whose rights are limited does not learn of a file whose name is no longer known.
  if (!serving && directory.hasChanged?.(infohash) === true && !terms.holder?.may) throw hasChanged();
  if (!serving || !mayGet(terms.holder, serving)) throw unknownInfohash();
  return { peerId, name, labels: hello.labels, serving };
}

/**
 * True if the holder of a certificate may download a file. Its name is covered by its infohash. One who may not gets the
 * answer for a file that is not here: that it is here is nothing for him.
 */
export function mayGet(holder: Limited | undefined, { metainfo }: Pick<Serving, 'metainfo'>): boolean {
  return hasRight(holder, 'get', metainfo.name);
}

/** What version 2 is bound to. */
export function helloBinding({ nonce, uploader }: HelloTerms): HelloBinding {
  return { nonce, server: peerIdToBytes(uploader) };
}

function signerOf(hello: Hello, terms: HelloTerms, infohash: InfoHash): PeerId | undefined {
  if (hello.signed === undefined)
    return verifyHello('peer', helloTerms(terms, infohash), hello.publicKey, hello.signature);
  return verifyBound('peer', boundText(helloBinding(terms), hello.signed), hello);
}

function readIds(hello: Hello): { peerId: PeerId; infohash: InfoHash } {
  try {
    return { peerId: peerIdFromBytes(hello.peerId), infohash: infoHashFromBytes(hello.infohash) };
  } catch (cause) {
    throw new EnjambreError('invalid', 'BAD_HELLO', 'peer id and infohash have 32 bytes each', { cause });
  }
}

/** Its name as the services see it; empty for an agent without a name. */
function readName({ name }: Hello): string {
  try {
    return name === '' ? '' : canonicalName(name);
  } catch (cause) {
    throw new EnjambreError('invalid', 'BAD_HELLO', messageOf(cause), { cause });
  }
}

/** Older peers treat it like a missing file; newer ones also learn that this agent is not to blame for bad pieces. */
function hasChanged(): EnjambreError {
  const message = 'that file has changed here, and its original content is no longer offered';
  return new EnjambreError('not-found', CONTENT_CHANGED, message);
}

export function unknownInfohash(): EnjambreError {
  return new EnjambreError(
    'not-found',
    'UNKNOWN_INFOHASH',
    'this agent does not have that file, or no longer has it',
  );
}
