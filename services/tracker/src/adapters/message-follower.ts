import { Backoff } from '@enjambre/core/backoff';
import { sleep } from '@enjambre/common/async/sleep';
import { readStream } from '@enjambre/rpc/client';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { messageOf } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { MessagingServiceClient } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

export interface FollowerComponents {
  readonly dialer: Dialer;
  /** Takes what was heard. */
  readonly events: { adopt(event: Event): void };
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface FollowerInit {
  /** Of the messaging service, as gRPC takes it. */
  readonly address: string;
}

const TYPES = ['message.*'];
/** So many ids are remembered: what is replayed after a loss of connection is taken in once. */
const MAX_KNOWN = 10_000;
/** An id, or a text of an event, that is longer is not from a messaging service. */
const MAX_TEXT_CHARS = 1024;

/** Puts what happens to messages on a tracker's own bus, for as long as there is no NATS to bring it. */
export class MessageFollower implements Startable {
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  /** What happened since then is asked for when the connection stands again. */
  #since: Date;
  /** Told once, not at each attempt. */
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
    const client = this.parts.dialer.client(MessagingServiceClient, this.init.address);
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
    const call = client.watchEvents({ types: TYPES, since: this.#since, replayOnly: false });
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
    const text = `messages at ${this.init.address} cannot be followed (${messageOf(error)}): trying again`;
    this.parts.log[this.#away ? 'debug' : 'warn']({ err: error }, text);
    this.#away = true;
  }
}

/** True for what a messaging service may say, and no more of it than fits in an event. */
function isMessage({ id, source, time, event }: Event): boolean {
  if (event?.$case !== 'messageSent' && event?.$case !== 'messageDelivered') return false;
  const { sender, messageId } = event.value;
  const { target = '', targetName = '', preview = '' } = event.$case === 'messageSent' ? event.value : {};
  const { receiver } = event.$case === 'messageDelivered' ? event.value : {};
  const refs = [sender, receiver].flatMap((peer) => (peer ? [peer.peerId, peer.name] : []));
  const texts = [id, source, messageId, target, targetName, preview, ...refs];
  return time !== undefined && texts.every((text) => text.length <= MAX_TEXT_CHARS);
}
