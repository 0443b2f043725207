import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import type { Logger } from '@enjambre/common/log/logger';
import { toServiceError } from './status.js';

/** What a handler may know of its call. */
export interface CallContext {
  readonly metadata: Metadata;
  /** Address of the caller as the socket has it, such as "10.0.0.7:51234". */
  readonly peer: string;
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
}

export interface HandlerOptions {
  /** Who defines the reasons of errors, such as "enjambre.tracker". */
  readonly domain: string;
  readonly log: Logger;
  /** Called before every handler; throws to refuse the call. */
  readonly authorize?: (context: CallContext) => void;
}

/** Makes gRPC handlers of plain functions: errors become rich statuses, defects are logged. */
export class HandlerFactory {
  constructor(private readonly options: HandlerOptions) {}

  unary<Request, Response>(
    handle: (request: Request, context: CallContext) => Promise<Response> | Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const abort = new AbortController();
      call.on('cancelled', () => {
        abort.abort();
      });
      const context = { metadata: call.metadata, peer: call.getPeer(), signal: abort.signal };
      this.#run(context, () => handle(call.request, context)).then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(this.error(error));
        },
      );
    };
  }

  /** The generator's messages are sent one by one, no faster than the caller reads. */
  serverStream<Request, Response>(
    handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      const abort = new AbortController();
      call.on('cancelled', () => {
        abort.abort();
      });
      const context = { metadata: call.metadata, peer: call.getPeer(), signal: abort.signal };
      const send = async (): Promise<void> => {
        for await (const message of handle(call.request, context)) {
          if (abort.signal.aborted) return;
          if (!call.write(message)) await writable(call, abort.signal);
        }
      };
      const sent = this.#run(context, send);
      // By now the handler has begun: headers tell the caller that a subscription stands.
      call.sendMetadata(new Metadata());
      sent.then(
        () => {
          call.end();
        },
        (error: unknown) => {
          call.emit('error', this.error(error));
        },
      );
    };
  }

  /** Ends a bidirectional stream with the status that fits `error`. */
  fail(call: ServerDuplexStream<unknown, unknown>, error: unknown): void {
    call.emit('error', this.error(error));
  }

  /** The status a client is told; what is not marked for clients is logged instead. */
  error(error: unknown): ReturnType<typeof toServiceError> {
    if (!(error instanceof EnjambreError))
      this.options.log.error({ err: error }, 'a call failed unexpectedly');
    return toServiceError(error, this.options.domain);
  }

  async #run<T>(context: CallContext, work: () => Promise<T> | T): Promise<T> {
    this.options.authorize?.(context);
    return work();
  }
}

/** Resolves when the stream takes more, or when nobody reads it any more. */
async function writable(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done);
    call.on('close', done);
    signal.addEventListener('abort', done);
  });
}
