import { X509Certificate } from 'node:crypto';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { keyHash } from '@enjambre/common/identity/bound-hello';
import { callerOf } from './caller.js';

/** {@link keyHash} of the server of an answered call; undefined without TLS. */
export function serverKeyOf(
  call: Pick<ClientDuplexStream<unknown, unknown>, 'getAuthContext'>,
): Buffer | undefined {
  const certificate = call.getAuthContext()?.sslPeerCertificate;
  return certificate && keyOf(new X509Certificate(certificate.raw));
}

/** {@link keyHash} of the certificate that this server showed to the client of a call; undefined without TLS. */
export function keyShownTo(call: object): Buffer | undefined {
  const shown = callerOf(call)?.shown();
  return shown && keyOf(shown);
}

function keyOf({ publicKey }: X509Certificate): Buffer {
  return keyHash(publicKey.export({ type: 'spki', format: 'der' }));
}
