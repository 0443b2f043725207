import type { ServerDuplexStream } from '@grpc/grpc-js';

interface Http2Writable {
  write(bytes: Buffer, done: (error?: Error | null) => void): boolean;
}

/**
 * Writes an encoded message with its prefix to the HTTP/2 stream below a call, bypassing grpc-js, which would
 * copy each message into new memory (docs/adr/0009-data-plane.md). `done` reports that the memory can be
 * reused; if the call is cancelled it may never be called.
 */
export function writeRaw(
  call: ServerDuplexStream<unknown, unknown>,
  bytes: Buffer,
  done: (error?: Error | null) => void,
): void {
  streamOf(call).write(bytes, done);
}

/**
 * grpc-js 1.14 keeps the stream in the call that the stream object wraps; the version is pinned, and a test
 * detects changes.
 */
function streamOf(call: ServerDuplexStream<unknown, unknown>): Http2Writable {
  const { stream } = (call as unknown as { call: { stream: Http2Writable } }).call;
  return stream;
}
