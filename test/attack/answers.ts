import { status } from '@grpc/grpc-js';
import { ErrorInfo } from '@enjambre/proto/gen/google/rpc/error_details';
import { Status } from '@enjambre/proto/gen/google/rpc/status';
import type { Tally } from './tally.js';

const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';

/** Names of the error codes of HTTP/2 (RFC 9113). */
const HTTP2_ERRORS = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT'],
  ...['STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR'],
  ...['CONNECT_ERROR', 'ENHANCE_YOUR_CALM', 'INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

export function http2Error(code: number): string {
  return HTTP2_ERRORS[code] ?? String(code);
}

/** Counts the status of a call; a status with a reason is a typed refusal. */
export function tallyStatus(fields: ReadonlyMap<string, string>, tally: Tally): void {
  const code = Number(fields.get('grpc-status') ?? 2);
  if (code === 0) return tally.ended('OK');
  const name = status[code] ?? String(code);
  const reason = reasonOf(fields.get('grpc-status-details-bin'));
  if (reason === undefined) tally.ended(`${name} ${fields.get('grpc-message') ?? ''}`.slice(0, 60));
  else tally.refused(`${name} ${reason}`);
}

function reasonOf(details: string | undefined): string | undefined {
  if (details === undefined) return undefined;
  try {
    const info = Status.decode(Buffer.from(details, 'base64')).details.find(
      ({ typeUrl }) => typeUrl === ERROR_INFO_TYPE,
    );
    return info && ErrorInfo.decode(info.value).reason;
  } catch {
    return undefined;
  }
}

/** Counts the payload of a GOAWAY frame; one with debug data is a typed refusal. */
export function tallyGoaway(payload: Buffer, tally: Tally): void {
  const code = http2Error(payload.readUInt32BE(4));
  const text = payload.subarray(8).toString('latin1').slice(0, 60);
  if (text === '' || code === 'NO_ERROR') tally.ended(`GOAWAY ${code}`);
  else tally.refused(`GOAWAY ${code} ${text}`);
}
