import { Metadata, type Client, type ClientReadableStream } from '@grpc/grpc-js';
import { callUnary, readStream } from '@enjambre/rpc/client';
import type { ClientConstructor, Dialer } from '@enjambre/rpc/dialer';
import { EnjambreError } from '@enjambre/core/error';
import { resolveAgent, type AgentEndpoint } from './connection.js';
import type { Session } from './context.js';
import { agentStopped, explainAgentError } from './unreachable.js';

/** A .torrent has at most 64 MiB; the rest is for the message around it. */
const MAX_MESSAGE_BYTES = 66 << 20;

type UnaryMethod<Request, Response> = Parameters<typeof callUnary<Request, Response>>[0];

/** The agent of a session. */
export function agentOf({ connection, context }: Session): Promise<AgentEndpoint> {
  return resolveAgent(connection, context);
}

/** A channel to that agent. */
export async function channelOf(session: Session): Promise<AgentChannel> {
  const [dialer, endpoint] = await Promise.all([session.context.dialer(), agentOf(session)]);
  session.output.debug(`agent at ${endpoint.address}`);
  return new AgentChannel(dialer, endpoint, session.signal);
}

/** Calls to one agent, with its token. Errors are worded for the user. */
export class AgentChannel {
  readonly metadata = new Metadata();
  readonly #dialer: Dialer;
  readonly #address: string;
  readonly #signal: AbortSignal;

  constructor(dialer: Dialer, { address, token }: AgentEndpoint, signal: AbortSignal) {
    this.#dialer = dialer;
    this.#address = address;
    this.#signal = signal;
    if (token !== undefined) this.metadata.set('authorization', `Bearer ${token}`);
  }

  /** A client of one of the agent's services. The caller closes it. */
  open<C extends Client>(Constructor: ClientConstructor<C>): C {
    const options = { 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES };
    return this.#dialer.client(Constructor, this.#address, 'agent', options);
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
