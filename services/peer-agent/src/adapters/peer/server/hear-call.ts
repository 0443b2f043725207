import type { ServerDuplexStream } from '@grpc/grpc-js';

interface CallListener<Request> {
  readonly message: (request: Request) => void;
  /** The stream has ended. May be called more than once. */
  readonly over: () => void;
}

/** Forwards the messages of a downloader's stream, and its end, whether the downloader ends, cancels or loses it. */
export function hearCall<Request, Response>(
  call: ServerDuplexStream<Request, Response>,
  { message, over }: CallListener<Request>,
): void {
  call.on('data', message);
  call.on('end', () => {
    over();
    call.end();
  });
  call.on('cancelled', over);
  call.on('error', over);
}
