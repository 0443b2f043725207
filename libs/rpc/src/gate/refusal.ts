import { constants, type ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { EnjambreError } from '@enjambre/core/error';
import { DETAILS_KEY, statusOf, toStatus } from '../status.js';

/** Owner of the reasons of all refusals that do not come from a service. */
const DOMAIN = 'enjambre.rpc';
/** Time for sending trailers. */
const TRAILERS_MS = 10;
/** Reasons with a code of gRPC that none of our own errors has. */
const UNIMPLEMENTED: ReadonlySet<string> = new Set(['UNIMPLEMENTED', 'COMPRESSION_UNSUPPORTED']);

/** The headers that are the whole answer to a refused call. */
export function refusalHeaders(error: EnjambreError): Record<string, string> {
  return { ':status': '200', 'content-type': 'application/grpc', ...trailersOf(error) };
}

function trailersOf(error: EnjambreError): Record<string, string> {
  const { code, details, metadata } = UNIMPLEMENTED.has(error.reason)
    ? statusOf(error, DOMAIN, status.UNIMPLEMENTED)
    : toStatus(error, DOMAIN);
  const [encoded] = metadata.get(DETAILS_KEY);
  return {
    'grpc-status': String(code),
    'grpc-message': encodeURI(details),
    ...(Buffer.isBuffer(encoded) && { [DETAILS_KEY]: encoded.toString('base64') }),
  };
}

/**
 * Ends a stream with the status of `error`. If bytes of its answer wait for the reader, so would the status: then it
 * ends with a code that gRPC reports as RESOURCE_EXHAUSTED.
 */
export function refuseStream(stream: ServerHttp2Stream, error: EnjambreError): void {
  if (stream.closed || stream.destroyed) return;
  // What arrives is dropped: a stream that keeps it would never end.
  stream.resume();
  if (!stream.headersSent) {
    stream.respond(refusalHeaders(error), { endStream: true });
    // The client may send no more.
    stream.close(constants.NGHTTP2_NO_ERROR);
  } else if (stream.writableLength > 0 || stream.writableEnded) {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  } else {
    stream.once('wantTrailers', () => {
      stream.sendTrailers(trailersOf(error));
      // The handler may be about to end the stream as well, and would send its own.
      stream.sendTrailers = () => undefined;
      // A reset at once would cancel the trailers.
      setTimeout(() => {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }, TRAILERS_MS);
    });
    stream.end();
  }
}

/** The debug data of a GOAWAY frame: a client of ours shows it. */
export function goawayText({ reason, message }: Pick<EnjambreError, 'reason' | 'message'>): string {
  return `${reason}: ${message}`;
}
