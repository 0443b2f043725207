import type { ProgramTls } from '../trust/program-tls.js';
import type { Metrics } from './metrics.js';

/** The lifetime of the program's certificate. */
export function measureCertificate(metrics: Metrics, tls: Pick<ProgramTls, 'current'>): void {
  metrics.gauge(
    {
      name: 'enjambre_certificate_expiry_timestamp_seconds',
      help: 'Time at which the certificate of this program expires, in seconds since 1970. Absent without TLS.',
      labels: ['role'],
    },
    () => {
      const { identity, notAfter } = tls.current;
      return [[{ role: identity.role }, notAfter.getTime() / 1000]];
    },
  );
}
