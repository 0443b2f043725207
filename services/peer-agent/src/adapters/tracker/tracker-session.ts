import type { ClientDuplexStream } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { fromServiceError } from '@enjambre/common/grpc/status';
import { activeTraceparent } from '@enjambre/common/tracing/tracing';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import type {
  ConnectRequest,
  ConnectResponse,
  PeerDelta,
  Problem,
  TrackerServiceClient,
  Welcome,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** How this agent introduces itself to its tracker. */
export interface AgentDescription {
  readonly name: string;
  /** Each "host:port", best first; with an empty host the tracker puts in what it sees. At least one, at most 16. */
  readonly endpoints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
}

interface TrackerSessionInit {
  readonly who: {
    readonly identity: PeerIdentity;
    readonly description: AgentDescription;
    /** Higher than that of any session before. */
    readonly epoch: number;
  };
  /** So long the tracker may take to welcome the agent. */
  readonly welcomeMs: number;
}

export interface TrackerSessionListener {
  welcome(welcome: Welcome): void;
  delta(delta: PeerDelta): void;
  objection(problem: Problem): void;
  closed(error: EnjambreError): void;
}

export type TrackerMessage = NonNullable<ConnectRequest['message']>;

/** One Connect stream, from the challenge to its end. */
export class TrackerSession {
  readonly #call: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  readonly #timer: NodeJS.Timeout;
  #sequence = 0n;
  #over = false;

  constructor(
    client: TrackerServiceClient,
    private readonly init: TrackerSessionInit,
    private readonly listener: TrackerSessionListener,
  ) {
    this.#call = client.connect();
    this.#timer = setTimeout(() => {
      this.#end(new EnjambreError('timeout', 'NO_WELCOME', 'the tracker did not answer in time'));
    }, init.welcomeMs);
    this.#call.on('data', (message: ConnectResponse) => {
      this.#onMessage(message);
    });
    this.#call.on('error', (error) => {
      this.#end(fromServiceError(error));
    });
    this.#call.on('end', () => {
      this.#end(new EnjambreError('unavailable', 'STREAM_ENDED', 'the tracker ended the session'));
    });
  }

  send(message: TrackerMessage): void {
    if (this.#over) return;
    this.#sequence += 1n;
    this.#call.write({ sequence: this.#sequence, message, traceparent: activeTraceparent() });
  }

  /** Ends the session in order; `closed` is not called. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#call.end();
  }

  #onMessage({ message }: ConnectResponse): void {
    if (this.#over) return;
    switch (message?.$case) {
      case 'challenge':
        return this.#hello(message.value.nonce);
      case 'welcome':
        clearTimeout(this.#timer);
        return this.listener.welcome(message.value);
      case 'peerDelta':
        return this.listener.delta(message.value);
      case 'problem':
        return this.listener.objection(message.value);
      case undefined:
        return; // A message of a later version.
    }
  }

  #hello(nonce: Uint8Array): void {
    const { identity, description, epoch } = this.init.who;
    const { publicKey } = identity;
    const signature = identity.signHello('tracker', nonce);
    const { name, version } = description;
    const labels = { ...description.labels };
    const endpoints = [...description.endpoints];
    const [endpoint = ''] = endpoints;
    const who = { publicKey, signature, name, version };
    const value = { ...who, endpoint, endpoints, labels, epoch: BigInt(epoch) };
    this.send({ $case: 'hello', value });
  }

  #end(error: EnjambreError): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#call.cancel();
    this.listener.closed(error);
  }
}
