import type { EnjambreError } from '@enjambre/core/error';
import { DETAILS_KEY, toStatus } from '../status.js';

/** Owner of the reasons of all refusals that do not come from a service. */
const DOMAIN = 'enjambre.rpc';

/** The headers that are the whole answer to a refused call. */
export function refusalHeaders(error: EnjambreError): Record<string, string> {
  const { code, details, metadata } = toStatus(error, DOMAIN);
  const [encoded] = metadata.get(DETAILS_KEY);
  return {
    ':status': '200',
    'content-type': 'application/grpc',
    'grpc-status': String(code),
    'grpc-message': encodeURI(details),
    ...(Buffer.isBuffer(encoded) && { [DETAILS_KEY]: encoded.toString('base64') }),
  };
}

/** The debug data of a GOAWAY frame: a client of ours reads the error from it. */
export function goawayText({ reason, message }: Pick<EnjambreError, 'reason' | 'message'>): string {
  return `${reason}: ${message}`;
}
