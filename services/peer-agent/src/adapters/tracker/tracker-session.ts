import type { ClientDuplexStream } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { serverKeyOf } from '@enjambre/rpc/server-key';
import { fromServiceError } from '@enjambre/rpc/status';
import { activeTraceparent } from '@enjambre/common/tracing/tracing';
import { signedHello } from '@enjambre/common/identity/hello';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  Hello,
  type ConnectRequest,
  type ConnectResponse,
  type PeerDelta,
  type Problem,
  type TrackerServiceClient,
  type TrustNews,
  type Welcome,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** How this agent introduces itself to its tracker. */
export interface AgentDescription {
  readonly name: string;
  /**
   * Each "host:port", best first; for an empty host the tracker substitutes the address that it sees. At least one, at
   * most 16.
   */
  readonly endpoints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
}

interface Introduction {
  readonly identity: PeerIdentity;
  readonly description: AgentDescription;
  /** Higher than in any earlier session. */
  readonly epoch: number;
}

export interface TrackerSessionListener {
  welcome(welcome: Welcome): void;
  delta(delta: PeerDelta): void;
  objection(problem: Problem): void;
  trustNews(news: TrustNews): void;
  closed(error: EnjambreError): void;
}

export type TrackerMessage = NonNullable<ConnectRequest['message']>;

/** One Connect stream, from the challenge to its end. Its listener is not called before {@link greet}. */
export class TrackerSession {
  readonly #call: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  readonly #timer: NodeJS.Timeout;
  /** Resolves when the tracker has sent its challenge. Rejects if it does not. */
  readonly challenged: Promise<void>;
  #settle: { resolve(): void; reject(error: EnjambreError): void } | undefined;
  #nonce: Uint8Array | undefined;
  #sequence = 0n;
  #isGreeted = false;
  #end: EnjambreError | undefined;

  /** @param welcomeMs maximum time until the tracker welcomes the agent */
  constructor(
    client: TrackerServiceClient,
    welcomeMs: number,
    private readonly listener: TrackerSessionListener,
  ) {
    this.challenged = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.challenged.catch(() => undefined);
    this.#call = client.connect();
    this.#timer = setTimeout(() => {
      this.#ended(new EnjambreError('timeout', 'NO_WELCOME', 'the tracker did not answer in time'));
    }, welcomeMs);
    this.#call.on('data', (message: ConnectResponse) => {
      this.#onMessage(message);
    });
    this.#call.on('error', (error) => {
      this.#ended(fromServiceError(error));
    });
    this.#call.on('end', () => {
      this.#ended(new EnjambreError('unavailable', 'STREAM_ENDED', 'the tracker ended the session'));
    });
  }

  send(message: TrackerMessage): void {
    if (this.#end) return;
    this.#sequence += 1n;
    this.#call.write({ sequence: this.#sequence, message, traceparent: activeTraceparent() });
  }

  /** Introduces the agent: from now on the listener is called. */
  greet(who: Introduction): void {
    this.#isGreeted = true;
    const { identity, description, epoch } = who;
    if (this.#end) return this.listener.closed(this.#end);
    if (!this.#nonce) throw new Error('a hello before the challenge');
    const { publicKey } = identity;
    const labels = { ...description.labels };
    const endpoints = [...description.endpoints];
    const { name, version } = description;
    const [endpoint = ''] = endpoints;
    const signature = Buffer.alloc(0);
    const hello: Hello = {
      publicKey,
      signature,
      name,
      version,
      endpoint,
      endpoints,
      labels,
      epoch: BigInt(epoch),
    };
    const terms = { nonce: this.#nonce, serverKey: serverKeyOf(this.#call) };
    this.send({
      $case: 'hello',
      value: signedHello(hello, Hello, { context: 'tracker', signer: identity, terms }),
    });
  }

  /** Ends the session before it has begun, in favour of another. */
  abandon(): void {
    this.#ended(new EnjambreError('cancelled', 'ABANDONED', 'another tracker answered first'));
  }

  /** Ends the session cleanly; `closed` is not called. */
  close(): void {
    if (this.#end) return;
    this.#end = new EnjambreError('cancelled', 'CLOSED', 'the session was closed');
    clearTimeout(this.#timer);
    this.#call.end();
  }

  #onMessage({ message }: ConnectResponse): void {
    if (this.#end) return;
    switch (message?.$case) {
      case 'challenge':
        return this.#onChallenge(message.value.nonce);
      case 'welcome':
        clearTimeout(this.#timer);
        return this.listener.welcome(message.value);
      case 'peerDelta':
        return this.listener.delta(message.value);
      case 'problem':
        return this.listener.objection(message.value);
      case 'trustNews':
        return this.listener.trustNews(message.value);
      case undefined:
        return; // A message from a later version.
    }
  }

  #onChallenge(nonce: Uint8Array): void {
    if (this.#nonce) return;
    this.#nonce = nonce;
    this.#settle?.resolve();
  }

  #ended(error: EnjambreError): void {
    if (this.#end) return;
    this.#end = error;
    clearTimeout(this.#timer);
    this.#call.cancel();
    this.#settle?.reject(error);
    if (this.#isGreeted) this.listener.closed(error);
  }
}
