import { formatDuration } from '@enjambre/core/format-duration';
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { EnjambreError, type ErrorCode } from '@enjambre/core/error';
import { ErrorInfo, RetryInfo } from '@enjambre/proto/gen/google/rpc/error_details';
import type { Any } from '@enjambre/proto/gen/google/protobuf/any';
import { Status } from '@enjambre/proto/gen/google/rpc/status';
import { inPlainWords } from './tls-problem.js';

/** Metadata key of the encoded google.rpc.Status, common to all gRPC libraries. */
export const DETAILS_KEY = 'grpc-status-details-bin';
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';
const MAX_MESSAGE_CHARS = 1024;

/** The only mapping between our error codes and those of gRPC. */
const STATUS_OF: Readonly<Record<ErrorCode, status>> = {
  invalid: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  precondition: status.FAILED_PRECONDITION,
  denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  aborted: status.ABORTED,
  timeout: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  'data-loss': status.DATA_LOSS,
  internal: status.INTERNAL,
};

const CODE_OF = new Map<status, ErrorCode>(
  Object.entries(STATUS_OF).map(([code, grpc]) => [grpc, code as ErrorCode]),
);

/**
 * Converts an error for a client: code, message, a google.rpc.ErrorInfo and, if a retry makes sense, a
 * google.rpc.RetryInfo. An error that is not an {@link EnjambreError} becomes only "internal error".
 *
 * @param domain owner of the reason, such as "enjambre.tracker"
 */
export function toStatus(error: unknown, domain: string): StatusObject {
  const known = EnjambreError.from(error);
  return statusOf(known, domain, STATUS_OF[known.code]);
}

/** {@link toStatus} with a code for which there is no {@link ErrorCode}. */
export function statusOf(known: EnjambreError, domain: string, code: status): StatusObject {
  const message = wellFormed(known.message.slice(0, MAX_MESSAGE_CHARS));
  const details = Status.encode({ code, message, details: detailsOf(known, domain) }).finish();
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(details.buffer, details.byteOffset, details.byteLength));
  // grpc-message travels as a header, and grpc-js percent-encodes it.
  return { code, details: message, metadata };
}

function detailsOf({ reason, metadata, retryAfterMs }: EnjambreError, domain: string): Any[] {
  const info = ErrorInfo.encode({ reason, domain, metadata: { ...metadata } }).finish();
  const details = [{ typeUrl: ERROR_INFO_TYPE, value: info }];
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1000);
    const nanos = Math.floor((retryAfterMs % 1000) * 1e6);
    const retry = RetryInfo.encode({ retryDelay: { seconds: BigInt(seconds), nanos } }).finish();
    details.push({ typeUrl: RETRY_INFO_TYPE, value: retry });
  }
  return details;
}

/** Replaces lone surrogates: grpc-js passes the text to encodeURI, which throws for them. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** {@link toStatus} in the form for unary callbacks and stream errors. */
export function toServiceError(error: unknown, domain: string): ServiceError {
  const { code, details, metadata } = toStatus(error, domain);
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Reason of an error without a connection: the two sides could not agree on TLS. */
export const TLS_FAILED = 'TLS_FAILED';

/** Converts the error of an outgoing call: the inverse of {@link toStatus}. */
export function fromServiceError(error: unknown): EnjambreError {
  if (error instanceof EnjambreError) return error;
  if (!isServiceError(error)) return EnjambreError.from(error);
  const code = CODE_OF.get(error.code) ?? (error.code === status.UNIMPLEMENTED ? 'precondition' : 'internal');
  const { info, retryAfterMs } = readDetails(error);
  const reason = info?.reason ?? (isAboutTls(error.details) ? TLS_FAILED : status[error.code]);
  return new EnjambreError(code, reason, plainText(error.details || error.message), {
    metadata: info?.metadata ?? {},
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    cause: error,
  });
}

/** Removes the notes for developers from texts of grpc-js. */
function plainText(details: string): string {
  const [, seconds] = /^Deadline exceeded after ([\d.]+)s/.exec(details) ?? [];
  if (seconds !== undefined) return `no answer within ${formatDuration(Number(seconds) * 1000)}`;
  if (isAboutTls(details)) return inPlainWords(details);
  // grpc-js, for a client whose connection failed for another client of the same server.
  if (/Last error: null/.test(details))
    return 'the last attempt to connect failed, and the next one has not begun';
  const connection = /Last error: (?:\w*Error: )?([^.]*(?:\.[^.\s][^.]*)*)\. ?Resolution note:/.exec(details);
  return connection?.[1] ?? details.replace(/\s*Resolution note:.*$/s, '');
}

/** The connection failed for what {@link inPlainWords} knows. */
function isAboutTls(details: string): boolean {
  return details.startsWith('No connection established') && inPlainWords(details) !== details;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** Parses the output of {@link detailsOf}, as far as it is present and valid. */
function readDetails(error: ServiceError): { info?: ErrorInfo; retryAfterMs?: number } {
  const encoded = (error.metadata as Metadata | undefined)?.get(DETAILS_KEY)[0];
  if (!Buffer.isBuffer(encoded)) return {};
  try {
    const { details } = Status.decode(encoded);
    const info = details.find(({ typeUrl }) => typeUrl === ERROR_INFO_TYPE);
    const retry = details.find(({ typeUrl }) => typeUrl === RETRY_INFO_TYPE);
    const delay = retry && RetryInfo.decode(retry.value).retryDelay;
    return {
      ...(info && { info: ErrorInfo.decode(info.value) }),
      ...(delay && { retryAfterMs: Number(delay.seconds) * 1000 + delay.nanos / 1e6 }),
    };
  } catch {
    return {};
  }
}
