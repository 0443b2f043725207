import { createHash } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { HelloContext, PeerIdentity } from './identity.js';

/** What the signature of a hello of version 2 covers beside the fields of the hello. */
export interface HelloBinding {
  /** The server's challenge. */
  readonly nonce: Uint8Array;
  /** 32 bytes that identify the server: a service by the SHA-256 of its key, an agent by its peer id. */
  readonly server: Uint8Array;
}

/** Fields of every hello that can be of version 2. */
export interface Bindable {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly signed?: Uint8Array | undefined;
}

/** Encodes and decodes one kind of hello in protobuf. */
export interface HelloCodec<Hello> {
  encode(hello: Hello): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Hello;
  create(): Hello;
}

export type BoundSigner = Pick<PeerIdentity, 'signBound'>;

/** The SHA-256 of a key's SubjectPublicKeyInfo in DER: 32 bytes that identify the holder of a certificate. */
export function keyHash(spki: Uint8Array): Buffer {
  return createHash('sha256').update(spki).digest();
}

/**
 * A hello of version 2. Its fields travel as the bytes that are signed, so that fields of later versions are covered,
 * and nobody can present it to another server.
 */
export function boundHello<Hello extends Bindable>(
  fields: Hello,
  codec: HelloCodec<Hello>,
  { context, signer, binding }: { context: HelloContext; signer: BoundSigner; binding: HelloBinding },
): Hello {
  const signed = codec.encode({ ...fields, signature: Buffer.alloc(0), signed: undefined }).finish();
  return { ...codec.create(), signed, signature: signer.signBound(context, boundText(binding, signed)) };
}

/** The part of the signed text that follows its words. */
export function boundText({ nonce, server }: HelloBinding, signed: Uint8Array): Buffer {
  return Buffer.concat([nonce, server, createHash('sha256').update(signed).digest()]);
}

/** The error for a hello of version 1 where version 2 is required. */
export function unboundHello(): EnjambreError {
  const message =
    'over TLS the signature of a hello must cover its fields and the key of the server: update this program';
  return new EnjambreError('unauthenticated', 'BAD_SIGNATURE', message);
}
