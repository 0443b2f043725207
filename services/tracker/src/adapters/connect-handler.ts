import type { HandlerFactory } from '@enjambre/rpc/handlers';
import { onTrustNews, type TrustHolder } from '@enjambre/common/trust/trust-news';
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
  /** What agents must know of the CAs. Undefined without TLS. */
  readonly trust: TrustHolder | undefined;
}

/** Handles Connect: tracks all open streams and ends them when the tracker stops. */
export class ConnectHandler {
  readonly #options: ConnectHandlerOptions;
  readonly #open = new Map<ConnectCall, ConnectSession>();
  #stopping = false;

  constructor(options: ConnectHandlerOptions) {
    this.#options = options;
    const { trust } = options;
    if (!trust) return;
    onTrustNews(trust, () => {
      for (const session of this.#open.values()) session.tellTrustNews();
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
