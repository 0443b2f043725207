import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { nameSchema } from '../config/schemas.js';
import { boundHello, boundText, unboundHello, type Bindable, type HelloCodec } from './bound-hello.js';
import { verifyBound, verifyHello, type HelloContext, type PeerIdentity } from './identity.js';

const PUBLIC_KEY_BYTES = 32;
const MAX_VERSION_CHARS = 64;

/** Fields of every hello from an agent to a service. */
export interface SignedHello extends Bindable {
  readonly name: string;
  readonly version: string;
}

type HelloSigner = Pick<PeerIdentity, 'signHello' | 'signBound'>;

/** The values that a signature must cover. */
export interface ServiceTerms {
  readonly nonce: Uint8Array;
  /** {@link keyHash} of the key in the certificate that this service has shown; undefined without TLS. */
  readonly serverKey: Uint8Array | undefined;
}

/** A hello to a service: of version 2 over TLS, of version 1 in plaintext, where earlier versions of it may listen. */
export function signedHello<Hello extends Bindable>(
  fields: Hello,
  codec: HelloCodec<Hello>,
  {
    context,
    signer,
    terms: { nonce, serverKey },
  }: { context: HelloContext; signer: HelloSigner; terms: ServiceTerms },
): Hello {
  if (serverKey === undefined) return { ...fields, signature: signer.signHello(context, nonce) };
  return boundHello(fields, codec, { context, signer, binding: { nonce, server: serverKey } });
}

/**
 * The fields of a hello to a service, before its signature is verified. Over TLS it is of version 2, and in plaintext
 * of version 1. Throws `unauthenticated` BAD_SIGNATURE if it is not, `invalid` BAD_HELLO if it is malformed.
 */
export function openHello<Hello extends SignedHello>(
  hello: Hello,
  codec: HelloCodec<Hello>,
  { serverKey }: ServiceTerms,
): Hello {
  const isBound = hello.signed !== undefined;
  if (serverKey === undefined && isBound)
    throw badSignature('it is bound to a certificate, and this connection has no TLS: connect with TLS');
  if (serverKey === undefined) return hello;
  if (!isBound) throw unboundHello();
  return fieldsOf(hello, codec);
}

/**
 * The fields of a hello of version 2, with the signature; nothing is proven yet. Throws `invalid` BAD_HELLO if the
 * fields cannot be decoded.
 */
export function fieldsOf<Hello extends Bindable>(
  { signed = Buffer.alloc(0), signature }: Hello,
  codec: HelloCodec<Hello>,
): Hello {
  try {
    return { ...codec.decode(signed), signature, signed };
  } catch {
    throw badHello('its signed fields cannot be decoded');
  }
}

/**
 * Verifies a hello that {@link openHello} returned, and returns its sender.
 *
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function checkHello(
  context: HelloContext,
  hello: SignedHello,
  terms: ServiceTerms,
): { readonly id: PeerId; readonly name: string } {
  const { publicKey, name, version } = hello;
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw badHello(`the public key does not have ${PUBLIC_KEY_BYTES} bytes`);
  const checked = nameSchema.safeParse(name);
  if (!checked.success) throw badHello(checked.error.issues[0]?.message ?? 'the name is invalid');
  if (version.length > MAX_VERSION_CHARS)
    throw badHello(`the version is longer than ${MAX_VERSION_CHARS} characters`);
  const id = signerOf(context, hello, terms);
  if (id !== undefined) return { id, name: checked.data };
  throw badSignature('it does not match the public key and the challenge: sign the nonce of this stream');
}

function signerOf(
  context: HelloContext,
  { publicKey, signature, signed }: SignedHello,
  { nonce, serverKey }: ServiceTerms,
): PeerId | undefined {
  if (serverKey === undefined || signed === undefined)
    return verifyHello(context, nonce, publicKey, signature);
  return verifyBound(context, boundText({ nonce, server: serverKey }, signed), { publicKey, signature });
}

function badSignature(why: string): EnjambreError {
  return new EnjambreError(
    'unauthenticated',
    'BAD_SIGNATURE',
    `the signature of the hello is refused: ${why}`,
  );
}

/** The error for a malformed hello; `fault` names the violated rule, as a clause. */
export function badHello(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_HELLO', `the hello is malformed: ${fault}`);
}
