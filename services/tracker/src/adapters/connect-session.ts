import { randomBytes } from 'node:crypto';
import { certifiedCaller } from '@enjambre/rpc/caller';
import { keyShownTo } from '@enjambre/rpc/server-key';
import { greeted } from '@enjambre/rpc/gate/greeting';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import { trustNewsOf, type TrustHolder } from '@enjambre/common/trust/trust-news';
import { isTraceparent, startSpan } from '@enjambre/common/tracing/tracing';
import { VERSION } from '@enjambre/common/version';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashFromBytes, peerIdToBytes } from '@enjambre/core/ids';
import { networkOf } from '@enjambre/core/network-of';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import type { ConnectRequest, ConnectResponse, Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { DeltaEffect, Effect } from '../domain/effects.js';
import type { Session } from '../domain/swarm.js';
import { MemberRights } from './member-rights.js';
import { fromProblem, toBanClaim, toOffer, toReport } from './convert.js';
import type { EndpointRules } from './endpoint-rules.js';
import { acceptHello } from './hello.js';
import { Intake } from './intake.js';
import { callerOf, trackerAt, type Caller } from './reach.js';
import { Outbox } from './outbox.js';
import { MALFORMED } from './service-definition.js';
import type { SessionHub, SessionStream } from './session-hub.js';

export type ConnectCall = ServerDuplexStream<ConnectRequest, ConnectResponse>;

export interface ConnectTimeouts {
  /** Time for an agent's hello before its stream is ended, in milliseconds. */
  readonly helloMs: number;
  /** Time that an agent may leave messages unread before its stream is ended, in milliseconds. */
  readonly slowReaderMs: number;
}

interface ConnectSessionOptions {
  readonly call: ConnectCall;
  readonly hub: SessionHub;
  readonly handlers: HandlerFactory;
  readonly timeouts: ConnectTimeouts;
  readonly rules: EndpointRules;
  /** True if agents on other hosts can reach this tracker. */
  readonly servesOthers: boolean;
  readonly trust: TrustHolder | undefined;
}

const NONCE_BYTES = 32;
/** Messages that a verified signature counts as: it takes about 150 µs. */
const MESSAGES_A_SIGNATURE = 4;

/** One Connect stream, from the challenge to its end. */
export class ConnectSession implements SessionStream {
  readonly #call: ConnectCall;
  readonly #hub: SessionHub;
  readonly #handlers: HandlerFactory;
  readonly #intake: Intake;
  readonly #rights: MemberRights;
  readonly #outbox: Outbox;
  readonly #caller: Caller;
  readonly #party: string;
  readonly #rules: EndpointRules;
  readonly #servesOthers: boolean;
  readonly #trust: TrustHolder | undefined;
  readonly #nonce = randomBytes(NONCE_BYTES);
  readonly #helloTimer: NodeJS.Timeout;
  /** Set by the hello. */
  #session: Session | undefined;
  /** The message being handled. */
  #request: ConnectRequest | undefined;
  #ended = false;

  constructor({ call, hub, handlers, timeouts, ...options }: ConnectSessionOptions) {
    this.#call = call;
    this.#hub = hub;
    this.#rights = new MemberRights(certifiedCaller(call), hub.registry.directory);
    this.#handlers = handlers;
    this.#caller = callerOf({ peer: call.getPeer(), metadata: call.metadata });
    this.#party = networkOf(call.getPeer());
    this.#rules = options.rules;
    this.#servesOthers = options.servesOthers;
    this.#trust = options.trust;
    this.#intake = new Intake(call);
    const reader = {
      write: (message: ConnectResponse) => call.write(message),
      on: (event: 'drain', listener: () => void) => call.on(event, listener),
      pause: () => this.#intake.hold('reader'),
      resume: () => this.#intake.release('reader'),
    };
    this.#outbox = new Outbox(reader, {
      reader: this.#caller,
      maxBlockedMs: timeouts.slowReaderMs,
      onSlowReader: () => this.close(slowReader(), 'reads too slowly'),
    });
    this.#helloTimer = setTimeout(() => this.close(noHello(), 'no hello'), timeouts.helloMs);
    call.on('data', (request: ConnectRequest) => this.#receive(request));
    call.on('end', () => setImmediate(() => this.#farewell()));
    call.on('cancelled', () => this.#end('connection lost'));
    this.#outbox.send({ message: { $case: 'challenge', value: { nonce: this.#nonce } } });
  }

  change(delta: DeltaEffect): void {
    this.#outbox.change(delta);
  }

  reject(error: EnjambreError): void {
    if (this.#request) this.#outbox.send(fromProblem(this.#request, error));
  }

  /** Passes on news of the CAs, if there are any and the agent was welcomed. */
  tellTrustNews(): void {
    const value = this.#session && this.#trust && trustNewsOf(this.#trust);
    if (value) this.#outbox.send({ message: { $case: 'trustNews', value } });
  }

  /**
   * Ends the stream with the status of `error`.
   *
   * @param reason reason for other agents and events
   */
  close(error: unknown, reason: string): void {
    if (this.#ended) return;
    this.#end(reason);
    this.#handlers.fail(this.#call, error);
  }

  /** A lost connection ends the stream too, but by the next turn grpc-js reports the call as cancelled. */
  #farewell(): void {
    this.#end(this.#call.cancelled ? 'connection lost' : 'said goodbye');
    this.#call.end();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#helloTimer);
    this.#intake.close();
    this.#outbox.close();
    if (this.#session) this.#hub.end(this.#session, reason);
  }

  #receive(request: ConnectRequest): void {
    if (!isTraceparent(request.traceparent)) return this.#take(request);
    const options = { kind: 'server', parent: request.traceparent } as const;
    const span = startSpan(`tracker ${request.message?.$case ?? 'unknown'}`, options);
    if (!span) return this.#take(request);
    span.run(() => this.#take(request));
    span.end();
  }

  #take(request: ConnectRequest): void {
    if (this.#ended) return;
    this.#request = request;
    this.#hub.traffic.message(request.message?.$case);
    this.#pace(1);
    const { publications } = this.#hub.registry;
    const verified = publications.verified;
    try {
      if (this.#session) this.#hub.apply(this.#handle(this.#session, request));
      else this.#greet(request);
    } catch (error) {
      if (this.#session && error instanceof EnjambreError) this.reject(error);
      else this.close(error, 'internal error');
    }
    const signatures = publications.verified - verified;
    if (signatures > 0) this.#pace(signatures * MESSAGES_A_SIGNATURE);
  }

  #pace(messages: number): void {
    const waitMs = this.#hub.pace.count(this.#party, this.#hub.clock(), messages);
    if (waitMs > 0 && !this.#ended) this.#intake.rest(waitMs);
  }

  #greet(request: ConnectRequest): void {
    const { message } = request;
    if (!message && request !== MALFORMED) return; // From a later version; the hello is still pending.
    if (message?.$case !== 'hello') {
      throw new EnjambreError('invalid', 'BAD_HELLO', 'the first message must be a hello');
    }
    this.#welcome(message.value);
  }

  #welcome(hello: Hello): void {
    const binding = { nonce: this.#nonce, serverKey: keyShownTo(this.#call) };
    const { peer, epoch, refused } = acceptHello(hello, {
      ...binding,
      caller: this.#caller,
      rules: this.#rules,
    });
    checkHolder(certifiedCaller(this.#call), peer);
    greeted(this.#call);
    this.#session = this.#hub.open(peer, this, {
      epoch,
      trackerAt: trackerAt(this.#caller),
      party: this.#party,
    });
    clearTimeout(this.#helloTimer);
    const { elsewhere, ownHost, ports } = peer.reach;
    const forOthers = elsewhere.length + ports.length;
    const value = {
      peerId: peerIdToBytes(peer.id),
      name: this.#session.peer.name,
      endpoint: peer.endpoint,
      endpoints: [...elsewhere],
      unreachable: forOthers === 0 && (this.#servesOthers || ownHost.length === 0),
      refusedEndpoints: [...refused],
      version: VERSION,
      time: new Date(this.#hub.clock()),
    };
    this.#outbox.send({ message: { $case: 'welcome', value } });
    this.tellTrustNews();
  }

  #handle(session: Session, { message }: ConnectRequest): Effect[] {
    const { registry, clock } = this.#hub;
    switch (message?.$case) {
      case 'announce':
        return registry.announce(session, this.#rights.announcing(toReport(message.value), session), clock());
      case 'share':
        return registry.share(session, this.#rights.sharing(toOffer(message.value), session), clock());
      case 'withdraw':
        return registry.withdraw(session, infoHashFromBytes(message.value.infohash));
      case 'watch':
        return registry.watch(
          session,
          this.#rights.watching(infoHashFromBytes(message.value.infohash)),
          message.value.maxPeers,
        );
      case 'unwatch': {
        const infohash = infoHashFromBytes(message.value.infohash);
        this.#outbox.discard(infohash);
        return registry.unwatch(session, infohash);
      }
      case 'ban':
        return registry.ban(session, toBanClaim(message.value), clock());
      case 'hello':
        throw new EnjambreError('precondition', 'ALREADY_GREETED', 'a session has only one hello');
      case undefined:
        throw new EnjambreError(
          'invalid',
          'UNKNOWN_MESSAGE',
          'this tracker does not know this kind of message',
        );
    }
  }
}

function noHello(): EnjambreError {
  return new EnjambreError('timeout', 'NO_HELLO', 'the challenge was not answered in time');
}

function slowReader(): EnjambreError {
  return new EnjambreError('exhausted', 'SLOW_READER', 'messages were not read in time: read faster');
}
