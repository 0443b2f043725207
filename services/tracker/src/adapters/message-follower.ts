import { Backoff } from '@enjambre/core/backoff';
import { sleep } from '@enjambre/common/async/sleep';
import { readStream } from '@enjambre/rpc/client';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { OperatorToken } from '@enjambre/common/identity/operator-token';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { messageOf } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { MessagingServiceClient } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Metadata } from '@grpc/grpc-js';

export interface FollowerComponents {
  readonly dialer: Dialer;
  /** Receives the events. */
  readonly events: { adopt(event: Event): void };
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Its token is presented, since texts are for operators only. */
  readonly operator: Pick<OperatorToken, 'authorization'>;
}

export interface FollowerInit {
  /** Address of the messaging service, as a gRPC target. */
  readonly address: string;
}

const TYPES = ['message.*'];
/** Number of remembered ids: events replayed after a loss of connection are adopted only once. */
const MAX_KNOWN = 10_000;
/** A longer id or text is not from a messaging service. */
const MAX_TEXT_CHARS = 1024;

/** Publishes message events on a tracker's own bus when there is no NATS to deliver them. */
export class MessageFollower implements Startable {
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  /** Start of the replay after a reconnection. */
  #since: Date;
  /** True after the loss was logged: it is logged once, not at each attempt. */
  #away = false;
  #following: Promise<void> | undefined;

  constructor(
    private readonly parts: FollowerComponents,
    private readonly init: FollowerInit,
  ) {
    this.#since = new Date(parts.clock());
  }

  start(): Promise<void> {
    this.#following = this.#follow();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    const client = this.parts.dialer.client(MessagingServiceClient, this.init.address, 'messaging');
    const backoff = new Backoff({ random: Math.random });
    while (!signal.aborted) {
      await this.#read(client, backoff).catch((error: unknown) => {
        if (!signal.aborted) this.#tellAway(error);
      });
      await sleep(backoff.next(), signal);
    }
    client.close();
  }

  async #read(client: MessagingServiceClient, backoff: Backoff): Promise<void> {
    const metadata = new Metadata();
    const { authorization } = this.parts.operator;
    if (authorization !== undefined) metadata.set('authorization', authorization);
    const call = client.watchEvents({ types: TYPES, since: this.#since, replayOnly: false }, metadata);
    call.on('metadata', () => {
      backoff.reset();
      this.#away = false;
    });
    for await (const { event } of readStream(call, this.#stopping.signal)) {
      if (event && isMessage(event)) this.#take(event);
    }
  }

  #take(event: Event): void {
    if (this.#known.has(event.id)) return;
    this.#known.add(event.id);
    if (this.#known.size > MAX_KNOWN) this.#forgetOldest();
    if (event.time && event.time > this.#since) this.#since = event.time;
    this.parts.events.adopt(event);
  }

  #forgetOldest(): void {
    for (const id of this.#known) {
      this.#known.delete(id);
      return;
    }
  }

  #tellAway(error: unknown): void {
    const text = `messages at ${this.init.address} cannot be followed (${messageOf(error)}): retrying`;
    this.parts.log[this.#away ? 'debug' : 'warn']({ err: error }, text);
    this.#away = true;
  }
}

/** True for an event that a messaging service may publish, if its texts fit into an event. */
function isMessage({ id, source, time, event }: Event): boolean {
  if (event?.$case !== 'messageSent' && event?.$case !== 'messageDelivered') return false;
  const { sender, messageId } = event.value;
  const { target = '', targetName = '', preview = '' } = event.$case === 'messageSent' ? event.value : {};
  const { receiver } = event.$case === 'messageDelivered' ? event.value : {};
  const refs = [sender, receiver].flatMap((peer) => (peer ? [peer.id, peer.name] : []));
  const texts = [id, source, messageId, target, targetName, preview, ...refs];
  return time !== undefined && texts.every((text) => text.length <= MAX_TEXT_CHARS);
}
