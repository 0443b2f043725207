import type { IncomingHttpHeaders } from 'node:http2';
import { EnjambreError } from '@enjambre/core/error';
import { HEADER_BYTES } from './limits.js';
import type { Methods } from './grpc-internals.js';

/** Overhead of a header, as in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113). */
const HEADER_OVERHEAD = 32;

/** What is wrong with a call that no honest client makes; undefined if nothing is. */
export function offenceOf(
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  methods: Methods,
): EnjambreError | undefined {
  if (bytesOf(raw) > HEADER_BYTES) {
    const message = `the headers of the call are longer than ${HEADER_BYTES} bytes: send fewer`;
    return new EnjambreError('invalid', 'HEADERS_TOO_LONG', message);
  }
  const { 'content-type': type = '', 'grpc-encoding': encoding = 'identity', ':path': path = '' } = headers;
  if (!type.startsWith('application/grpc'))
    return new EnjambreError('invalid', 'NOT_GRPC', 'this is a gRPC server: call it with a gRPC client');
  if (encoding !== 'identity') {
    const message = 'this server accepts no compressed messages: send them as they are';
    return new EnjambreError('precondition', 'COMPRESSION_UNSUPPORTED', message);
  }
  if (methods.has(path)) return undefined;
  const message = `the server does not implement the method ${path.slice(0, 200)}`;
  return new EnjambreError('precondition', 'UNIMPLEMENTED', message);
}

/** @param raw names and values in turn */
function bytesOf(raw: readonly string[]): number {
  let bytes = 0;
  for (const text of raw) bytes += text.length + HEADER_OVERHEAD / 2;
  return bytes;
}
