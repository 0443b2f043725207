import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { SYSTEM_CLOCK, type Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import { callerOf, type CertifiedCaller } from './caller.js';
import { toServiceError } from './status.js';
import { StreamReader } from './stream-reader.js';

/** Context of a handler's call. */
export interface CallContext {
  readonly metadata: Metadata;
  /** Address of the caller at the socket, such as "10.0.0.7:51234". */
  readonly peer: string;
  /** The caller by its certificate; undefined without TLS. */
  readonly caller: CertifiedCaller | undefined;
  /** Aborts when the caller has disconnected or the deadline has passed. */
  readonly signal: AbortSignal;
}

export interface HandlerOptions {
  /** Owner of the error reasons, such as "enjambre.tracker". */
  readonly domain: string;
  readonly log: Logger;
  /** @default the system clock */
  readonly clock?: Pick<Clock, 'after'>;
  /** Called before every handler; throws, or rejects, to refuse the call. */
  readonly authorize?: (context: CallContext) => Promise<void> | undefined;
}

/** Creates gRPC handlers from plain functions: errors become rich statuses, defects are logged. */
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
      const context = contextOf(call, abort.signal);
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

  /**
   * Sends the generator's messages one by one, no faster than the caller reads. A caller that reads none of them for
   * {@link SLOW_READER_MS} gets `timeout`, SLOW_READER.
   */
  serverStream<Request, Response>(
    handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      const abort = new AbortController();
      call.on('cancelled', () => {
        abort.abort();
      });
      const context = contextOf(call, abort.signal);
      const reader = new StreamReader(call, this.options.clock ?? SYSTEM_CLOCK);
      const send = async (): Promise<void> => {
        for await (const message of handle(call.request, context)) {
          if (abort.signal.aborted) return;
          await reader.send(message, abort.signal);
        }
      };
      const sent = this.#run(context, send);
      // The handler has started: headers tell the caller that the subscription is active.
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

  /** Ends a bidirectional stream with the status of `error`. */
  fail(call: ServerDuplexStream<unknown, unknown>, error: unknown): void {
    call.emit('error', this.error(error));
  }

  /**
   * The status that a client receives; an error that is not an EnjambreError is logged, and hidden from the
   * client.
   */
  error(error: unknown): ReturnType<typeof toServiceError> {
    if (!(error instanceof EnjambreError))
      this.options.log.error({ err: error }, 'a call failed unexpectedly');
    return toServiceError(error, this.options.domain);
  }

  async #run<T>(context: CallContext, work: () => Promise<T> | T): Promise<T> {
    const check = this.options.authorize?.(context);
    if (check) await check;
    return work();
  }
}

function contextOf(
  call: Pick<ServerDuplexStream<unknown, unknown>, 'metadata' | 'getPeer'>,
  signal: AbortSignal,
): CallContext {
  return { metadata: call.metadata, peer: call.getPeer(), caller: callerOf(call), signal };
}
