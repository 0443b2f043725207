import { Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { callUnary, connect, readStream } from '@enjambre/rpc/client';
import { EnjambreError } from '@enjambre/core/error';
import { resolveAgent, type AgentEndpoint } from './connection.js';
import type { Session } from './context.js';
import { agentStopped, explainAgentError } from './unreachable.js';

/** A .torrent has at most 64 MiB; the rest is for what stands around it. */
const MAX_MESSAGE_BYTES = 66 << 20;

type UnaryMethod<Request, Response> = Parameters<typeof callUnary<Request, Response>>[0];
type ClientConstructor<C> = Parameters<typeof connect>[0] & (new (...args: never[]) => C);

/** Which agent a session is with. */
export function agentOf({ connection, context }: Session): Promise<AgentEndpoint> {
  return resolveAgent(connection, context);
}

/** Calls to one agent, with its token and with errors that say what the person can do. */
export class AgentChannel {
  readonly metadata = new Metadata();
  readonly #address: string;
  readonly #signal: AbortSignal;

  constructor({ address, token }: AgentEndpoint, signal: AbortSignal) {
    this.#address = address;
    this.#signal = signal;
    if (token !== undefined) this.metadata.set('authorization', `Bearer ${token}`);
  }

  /** A client of one of the agent's services; to be closed by whoever opens it. */
  open<C>(Constructor: ClientConstructor<C>): C {
    const options = { 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES };
    return connect(Constructor, this.#address, options) as C;
  }

  /** Calls a unary method, bound to its client. */
  async call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs?: number,
  ): Promise<Response> {
    const options = {
      signal: this.#signal,
      metadata: this.metadata,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    try {
      return await callUnary<Request, Response>(method, request, options);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Reads a server stream to its end; leaving the loop cancels it. */
  async *read<Response>(
    open: () => ClientReadableStream<Response>,
  ): AsyncGenerator<Response, void, undefined> {
    try {
      yield* readStream(open(), this.#signal);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): EnjambreError {
    const ours = EnjambreError.from(error);
    // Cancelled, but not by us: the agent stopped, and its calls with it.
    if (ours.reason === 'CANCELLED' && !this.#signal.aborted) return agentStopped(this.#address);
    return explainAgentError(ours, this.#address);
  }
}
