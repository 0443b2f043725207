import { EnjambreError } from '@enjambre/core/error';

/** The error for a client without a certificate that counts here. */
export function noCertificate(message: string): EnjambreError {
  return new EnjambreError('unauthenticated', 'NO_CERTIFICATE', message);
}
