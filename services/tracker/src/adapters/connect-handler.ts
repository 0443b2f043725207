import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type { Revocations } from '@enjambre/common/trust/revocations';
import { EnjambreError } from '@enjambre/core/error';
import { ConnectSession, type ConnectCall, type ConnectTimeouts } from './connect-session.js';
import type { EndpointRules } from './endpoint-rules.js';
import type { SessionHub } from './session-hub.js';

interface ConnectHandlerOptions {
  readonly hub: SessionHub;
  readonly handlers: HandlerFactory;
  readonly timeouts: ConnectTimeouts;
  /** Maximum number of open streams, before and after their hello. */
  readonly maxStreams: number;
  readonly rules: EndpointRules;
  /** True if agents on other hosts can reach this tracker. */
  readonly servesOthers: boolean;
  /** What the CAs have revoked, for all agents. Undefined without TLS. */
  readonly revocations: Revocations | undefined;
}

/** Handles Connect: tracks all open streams and ends them when the tracker stops. */
export class ConnectHandler {
  readonly #options: ConnectHandlerOptions;
  readonly #open = new Map<ConnectCall, ConnectSession>();
  #stopping = false;

  constructor(options: ConnectHandlerOptions) {
    this.#options = options;
    options.revocations?.onChange(() => {
      for (const session of this.#open.values()) session.tellRevocations();
    });
  }

  accept(call: ConnectCall): void {
    const { maxStreams, ...parts } = this.#options;
    if (this.#stopping) {
      parts.handlers.fail(call, stopping());
      return;
    }
    if (this.#open.size >= maxStreams) {
      parts.handlers.fail(call, tooManyPeers());
      return;
    }
    this.#open.set(call, new ConnectSession({ call, ...parts }));
    call.on('cancelled', () => this.#open.delete(call));
  }

  /** Ends all streams and accepts no more. */
  stop(): void {
    this.#stopping = true;
    for (const session of this.#open.values()) session.close(stopping(), 'the tracker is stopping');
    this.#options.hub.summarise();
  }
}

function stopping(): EnjambreError {
  return new EnjambreError('unavailable', 'STOPPING', 'the tracker is stopping: connect again');
}

function tooManyPeers(): EnjambreError {
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', 'too many peers are connected: try again later');
}
