import type { X509Certificate } from 'node:crypto';
import type { Http2Session } from 'node:http2';
import type { CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import { streamOf } from './gate/grpc-internals.js';

/** Who makes a call, and the certificate that says so. */
export interface CertifiedCaller {
  readonly identity: CertifiedIdentity;
  readonly certificate: X509Certificate;
  /** The certificate that this server has shown to the client. */
  readonly shown: () => X509Certificate | undefined;
}

const CLIENTS = new WeakMap<Http2Session, CertifiedCaller>();

/** Records who the client of a connection is. */
export function noteClient(session: Http2Session, client: CertifiedCaller): void {
  CLIENTS.set(session, client);
}

/** Who makes a call, by the certificate of its connection; undefined without TLS. */
export function certifiedCaller(call: object): CertifiedIdentity | undefined {
  return callerOf(call)?.identity;
}

/** The same with the certificate. */
export function callerOf(call: object): CertifiedCaller | undefined {
  const session = streamOf(call)?.session;
  return session && CLIENTS.get(session);
}
