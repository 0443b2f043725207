import type { X509Certificate } from 'node:crypto';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { NEW_KEY } from '@enjambre/common/trust/revocations';
import { problemOfTime } from '@enjambre/common/trust/tls-material';
import { EnjambreError } from '@enjambre/core/error';
import type { CertifiedCaller } from './caller.js';
import { noCertificate } from './no-certificate.js';
import type { RenewedClients } from './renewed-clients.js';

interface ClientRecords {
  readonly revocations: ProgramTls['revocations'];
  readonly renewed: RenewedClients;
}

/** Returns a function that says why the certificate of a client does not count now; undefined if it does. */
export function problemsOf(
  { identity, certificate }: Pick<CertifiedCaller, 'identity' | 'certificate'>,
  { revocations, renewed }: ClientRecords,
): () => EnjambreError | undefined {
  const key = renewed.note(identity, certificate);
  const { serialNumber, issuer } = certificate;
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  let version: number | undefined;
  let revoked: EnjambreError | undefined;
  return () => {
    if (version !== revocations.version) {
      version = revocations.version;
      const at = revocations.revokedAt({ serialNumber, issuer }, identity.peerId);
      revoked = at && certificateRevoked(at, identity.role === 'agent');
    }
    const now = Date.now();
    if (revoked || (now >= from && now <= to)) return revoked;
    const newest = renewed.newest(key);
    const isRenewed = newest && now <= newest.expiresAt && !revocations.revokedAt(newest, identity.peerId);
    return isRenewed ? undefined : problemOfClock(certificate, now);
  };
}

/** Why the time of a client's certificate is over, or has not come; undefined if it is valid. */
export function problemOfClock(certificate: X509Certificate, now: number): EnjambreError | undefined {
  const problem = problemOfTime(certificate, now, 'the clock of this server');
  if (problem === undefined) return undefined;
  const isOver = now > Date.parse(certificate.validTo);
  return noCertificate(`your certificate ${problem}${isOver ? ': renew it' : ', here and there'}`);
}

function certificateRevoked(at: Date, isAgent: boolean): EnjambreError {
  const next = isAgent ? NEW_KEY : 'ask the operator of the network for a new one';
  const message = `your certificate was revoked at ${at.toISOString()}: ${next}`;
  return new EnjambreError('unauthenticated', 'CERTIFICATE_REVOKED', message);
}
