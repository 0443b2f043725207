import { setMaxListeners } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { retryWaitMs } from '@enjambre/core/backoff';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { adviceOn, Reconnection } from '@enjambre/common/async/reconnection';
import { sleep } from '@enjambre/common/async/sleep';
import { callUnary, type UnaryOptions } from '@enjambre/rpc/client';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import {
  MessagingServiceClient,
  type Delivery as WireDelivery,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type {
  Delivery,
  DeliveryListener,
  Departure,
  Page,
  RelayPort,
  Room,
} from '../../app/ports/messaging.js';
import type { MessageTarget } from '../../domain/inbox.js';
import { deliveryFromWire, messageFromWire, receiptFromWire, roomFromWire, targetToWire } from './convert.js';
import { RelaySession, type RelaySessionListener } from './relay-session.js';

export interface RelayLinkComponents {
  readonly dialer: Dialer;
  readonly identity: PeerIdentity;
  readonly log: Logger;
}

export interface RelayLinkInit {
  /** "host:port" */
  readonly address: string;
  readonly name: string;
  readonly version: string;
}

/** A person waits: a call is retried for this long, through sessions that come and go. */
const CALL_TIMEOUT_MS = 5000;
const ATTEMPT_TIMEOUT_MS = 5000;
const RETRY_MS = 100;
/** Reasons that only show that the connection to the messaging service, or its session, is broken. */
const OF_THE_WAY: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'BAD_TOKEN',
  'NO_WELCOME',
  'STREAM_ENDED',
]);
/** Codes of failed attempts that are worth a retry. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'unauthenticated', 'cancelled']);

/** The agent's connection to its messaging service: one session after another, and calls with its token. */
export class RelayLink implements RelayPort, RelaySessionListener, Startable {
  readonly #client: MessagingServiceClient;
  readonly #reconnection = new Reconnection(() => performance.now());
  readonly #stopping = new AbortController();
  #listener: DeliveryListener | undefined;
  #session: RelaySession | undefined;
  /** Token of the session; undefined while there is none. */
  #token: string | undefined;
  #arrived: Delivery[] = [];
  #keeping = false;
  #version = '';
  /** Why there is no session. */
  #obstacle = new EnjambreError('unavailable', 'UNAVAILABLE', 'connecting');
  #waitsForRoom = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly parts: RelayLinkComponents,
    private readonly init: RelayLinkInit,
  ) {
    this.#client = parts.dialer.client(MessagingServiceClient, init.address, 'messaging');
    // Each call in progress listens to it, and there may be many.
    setMaxListeners(0, this.#stopping.signal);
  }

  get address(): string {
    return this.init.address;
  }

  /** Why there is no session; empty if there is one. */
  get problem(): string {
    return this.#token === undefined ? this.#obstacle.message : '';
  }

  /** Version of the messaging service; empty while there is no session, or if it does not send one. */
  get version(): string {
    return this.#token === undefined ? '' : this.#version;
  }

  start(): Promise<void> {
    this.#open();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    this.#session?.close();
    this.#client.close();
    return Promise.resolve();
  }

  receive(listener: DeliveryListener): void {
    this.#listener = listener;
  }

  wake(): void {
    if (!this.#waitsForRoom || this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  async send({
    id,
    target,
    text,
  }: {
    id: string;
    target: MessageTarget;
    text: string;
  }): ReturnType<RelayPort['send']> {
    const request = { id, target: targetToWire(target), text };
    const response = await this.#call((options) =>
      callUnary(this.#client.send.bind(this.#client), request, options),
    );
    return receiptFromWire(response);
  }

  async history(target: MessageTarget | undefined, { size, token }: Page): ReturnType<RelayPort['history']> {
    const request = { target: target && targetToWire(target), pageSize: size, pageToken: token };
    const { messages, nextPageToken } = await this.#call((options) =>
      callUnary(this.#client.listMessages.bind(this.#client), request, options),
    );
    return { messages: messages.map(messageFromWire), nextToken: nextPageToken };
  }

  async joinRoom(room: string): Promise<Room> {
    const { room: joined } = await this.#call((options) =>
      callUnary(this.#client.joinRoom.bind(this.#client), { room }, options),
    );
    return roomFromWire(joined);
  }

  async leaveRoom(room: string): Promise<Departure> {
    try {
      await this.#call((options) => callUnary(this.#client.leaveRoom.bind(this.#client), { room }, options));
      return { wasMember: true };
    } catch (error) {
      const known = EnjambreError.from(error);
      if (known.reason !== 'NOT_A_MEMBER') throw known;
      return { wasMember: false, error: known };
    }
  }

  async rooms({ size, token }: Page): ReturnType<RelayPort['rooms']> {
    const { rooms, nextPageToken } = await this.#call((options) =>
      callUnary(this.#client.listRooms.bind(this.#client), { pageSize: size, pageToken: token }, options),
    );
    return { rooms: rooms.map(roomFromWire), nextToken: nextPageToken };
  }

  welcome(token: string): void {
    this.#token = token;
    this.#version = '';
    this.#reconnection.opened();
    this.parts.log.info({ messaging: this.address }, `connected to messaging service ${this.address}`);
    this.#listener?.connected();
  }

  relay(version: string): void {
    this.#version = version;
  }

  delivery(delivery: WireDelivery): void {
    try {
      this.#arrived.push(deliveryFromWire(delivery));
    } catch (error) {
      this.parts.log.warn({ err: error }, 'the messaging service sent an invalid message');
      this.#session?.acknowledge([delivery.deliveryId]); // It would be just as invalid the next time.
    }
    if (!this.#keeping) void this.#keepAll();
  }

  closed(error: EnjambreError): void {
    if (this.#token !== undefined || this.#obstacle.message !== error.message) {
      this.parts.log.warn(
        { messaging: this.address, reason: error.reason },
        `no session with messaging service ${this.address}: ${error.message}; ${adviceOn(error.reason)}`,
      );
    }
    this.#token = undefined;
    this.#session = undefined;
    this.#arrived = [];
    this.#obstacle = error;
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#open();
    }, this.#reconnection.waitMs(error));
  }

  #open(): void {
    this.#waitsForRoom = this.#listener?.hasRoom === false;
    if (this.#waitsForRoom) {
      this.#obstacle = inboxFull();
      this.#timer = setTimeout(() => {
        this.#open();
      }, this.#reconnection.waitMs(this.#obstacle));
      return;
    }
    const { identity } = this.parts;
    const { name, version } = this.init;
    const cursor = this.#listener?.cursor ?? 0n;
    this.#session = new RelaySession(this.#client, { identity, name, version, cursor }, this);
  }

  /** Stores deliveries in batches, and acknowledges what is stored. */
  async #keepAll(): Promise<void> {
    this.#keeping = true;
    try {
      while (this.#arrived.length > 0 && this.#listener) {
        const session = this.#session;
        if (!this.#listener.hasRoom) {
          session?.abandon(inboxFull());
          return;
        }
        const batch = this.#arrived.splice(0);
        await this.#listener.deliver(batch);
        session?.acknowledge(batch.map(({ deliveryId }) => deliveryId));
      }
    } catch (error) {
      // Not acknowledged, so it is delivered again.
      this.parts.log.error({ err: error }, `messages cannot be stored: ${messageOf(error)}`);
      this.#session?.abandon(EnjambreError.from(error));
    } finally {
      this.#keeping = false;
    }
  }

  /**
   * Calls with the session's token. Idempotent calls are retried while sessions come and go, and after the time for
   * which the service asks, unless that is too long for a person to wait: its error says when to try again.
   */
  async #call<T>(attempt: (options: UnaryOptions) => Promise<T>): Promise<T> {
    const { signal } = this.#stopping;
    const endMs = Date.now() + CALL_TIMEOUT_MS;
    let said: EnjambreError | undefined;
    for (;;) {
      let waitMs = RETRY_MS;
      const token = this.#token;
      try {
        if (token !== undefined) {
          const metadata = new Metadata();
          metadata.set('authorization', `Bearer ${token}`);
          return await attempt({ metadata, timeoutMs: ATTEMPT_TIMEOUT_MS, signal });
        }
      } catch (error) {
        const known = EnjambreError.from(error);
        if (!isPassing(known, endMs - Date.now())) throw known;
        waitMs = retryWaitMs(RETRY_MS, known.retryAfterMs, Math.random);
        // The messaging service's own error is more useful than the fact that it cannot be reached.
        said = OF_THE_WAY.has(known.reason) ? said : known;
      }
      if (Date.now() >= endMs || !(await sleep(waitMs, signal))) throw said ?? this.#explain(this.#obstacle);
    }
  }

  /** Why there is no session; the messaging service's own error if it refuses one. */
  #explain(obstacle: EnjambreError): EnjambreError {
    if (!OF_THE_WAY.has(obstacle.reason)) return obstacle;
    const message = `the messaging service at ${this.address} cannot be reached (${obstacle.message}): start it, or choose another`;
    const metadata = { setting: 'messaging' };
    return new EnjambreError('unavailable', 'MESSAGING_UNREACHABLE', message, { metadata });
  }
}

/** True if another attempt within `leftMs` may succeed. */
function isPassing({ code, retryAfterMs }: EnjambreError, leftMs: number): boolean {
  if (code !== 'exhausted') return PASSING.has(code);
  return retryAfterMs !== undefined && retryAfterMs < leftMs;
}

function inboxFull(): EnjambreError {
  const message = 'the inbox is full of unread messages: read some';
  return new EnjambreError('exhausted', 'INBOX_FULL', message, { metadata: { remedy: 'read-inbox' } });
}
