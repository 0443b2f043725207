import type { ServerHttp2Stream } from 'node:http2';
import { streamOf } from './grpc-internals.js';

/** What happens at the hello of each stream that has not said it. */
const ungreeted = new WeakMap<ServerHttp2Stream, () => void>();

/**
 * Called by the handler of a bidirectional stream when it has accepted the caller's hello. Until then the stream may
 * send only little, and an address has few such streams.
 *
 * @param call the call of the handler
 */
export function greeted(call: object): void {
  const stream = streamOf(call);
  if (stream) ungreeted.get(stream)?.();
}

/** Calls `accepted` once, when the handler of a stream calls {@link greeted}. */
export function onGreeting(stream: ServerHttp2Stream, accepted: () => void): void {
  ungreeted.set(stream, () => {
    ungreeted.delete(stream);
    accepted();
  });
}
