import {
  Metadata,
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { sleep } from '@enjambre/common/async/sleep';
import { fromServiceError } from './status.js';

export interface UnaryOptions {
  /** The call fails with `timeout` after this time. @default 10000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Metadata;
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

const DEFAULT_TIMEOUT_MS = 10_000;

/** The reason of a server that refused a call before it began. */
const NOT_BEGUN = 'TOO_MANY_CALLS';

/**
 * Calls a unary method, bound to its client. A call that the server refuses because there are too many is repeated as
 * the server says, until the timeout. Throws {@link EnjambreError}.
 */
export async function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { timeoutMs = DEFAULT_TIMEOUT_MS, ...options }: UnaryOptions = {},
): Promise<Response> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await callOnce(method, request, { ...options, deadline });
    } catch (error) {
      if (!(error instanceof EnjambreError) || error.reason !== NOT_BEGUN) throw error;
      // Others are told the same time: not all come back at once.
      const waitMs = (error.retryAfterMs ?? 0) * (1 + Math.random());
      if (Date.now() + waitMs >= deadline) throw error;
      await sleep(waitMs, options.signal ?? new AbortController().signal);
    }
  }
}

type OnceOptions = Omit<UnaryOptions, 'timeoutMs'> & { readonly deadline: number };

async function callOnce<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { deadline, signal, metadata = new Metadata() }: OnceOptions,
): Promise<Response> {
  if (signal?.aborted) throw cancelled();
  return new Promise<Response>((resolve, reject) => {
    const call = method(request, metadata, { deadline }, (error, response) => {
      signal?.removeEventListener('abort', onAbort);
      if (error) reject(explained(error, signal));
      else resolve(response);
    });
    const onAbort = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Reads a server stream message by message. Leaving the loop, or aborting `signal`, cancels the call. Throws
 * {@link EnjambreError}.
 */
export async function* readStream<Response>(
  call: ClientReadableStream<Response>,
  signal?: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  const onAbort = (): void => {
    call.cancel();
  };
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const message of call as AsyncIterable<Response>) yield message;
  } catch (error) {
    throw explained(error, signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    call.on('error', () => undefined);
    call.cancel();
  }
}

/**
 * A killed server may reset its streams before its connection ends: that is not a cancellation on our side
 * (Node 22 does, 20 does not).
 */
function explained(error: unknown, signal: AbortSignal | undefined): EnjambreError {
  const known = fromServiceError(error);
  if (known.reason !== 'CANCELLED' || known.code !== 'cancelled' || signal?.aborted) return known;
  return new EnjambreError('unavailable', 'CANCELLED', 'the server ended the call', { cause: error });
}

function cancelled(): EnjambreError {
  return new EnjambreError('cancelled', 'CANCELLED', 'the call was cancelled');
}
