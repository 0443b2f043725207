import type { Http2Session } from 'node:http2';
import type { CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import { streamOf } from './gate/grpc-internals.js';

const IDENTITIES = new WeakMap<Http2Session, CertifiedIdentity>();

/** Records who the client of a connection is, by its certificate. */
export function noteIdentity(session: Http2Session, identity: CertifiedIdentity): void {
  IDENTITIES.set(session, identity);
}

/** Who makes a call, by the certificate of its connection; undefined without TLS. */
export function certifiedCaller(call: object): CertifiedIdentity | undefined {
  const session = streamOf(call)?.session;
  return session && IDENTITIES.get(session);
}
