import type { ServerDuplexStream } from '@grpc/grpc-js';
import { streamOf } from './gate/grpc-internals.js';

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
  const stream = streamOf(call);
  if (!stream) throw new Error('the call has no HTTP/2 stream');
  stream.write(bytes, done);
}
