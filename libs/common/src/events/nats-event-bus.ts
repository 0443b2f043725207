import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { NatsConnection, StreamInfo } from 'nats';
import { Backoff } from '@enjambre/core/backoff';
import { sleep } from '../async/sleep.js';
import type { Logger } from '../log/logger.js';
import { jetStreamProblem, type Reservation } from '../nats/jetstream-problem.js';
import type { NatsLink } from '../nats/nats-link.js';
import { NodePlacement, type NatsReplicas } from '../nats/replicas.js';
import { decodeEvent, encodeEvent } from './convert.js';
import type { EventBus, EventListener, Fact, HeardEvent, ReplayStart } from './event-bus.js';
import { EventOutbox } from './event-outbox.js';
import { EventStamp, type StampInit } from './event-stamp.js';
import {
  DEFAULT_RETENTION,
  ensureEventStream,
  EVENT_STREAM,
  type EventRetention,
  type StreamMessage,
} from './event-stream.js';
import { Listeners } from './listeners.js';
import { SkippedLog } from './skipped-log.js';
import { StreamFollower } from './stream-follower.js';
import { replayStream } from './stream-replay.js';

export interface NatsEventBusComponents {
  /** Started before this bus and stopped after it, by whoever owns it. */
  readonly link: NatsLink;
  readonly log: Logger;
}

export interface NatsEventBusInit extends StampInit {
  /** What the stream is to keep; without it a stream that is there stays as it is. */
  readonly retention?: EventRetention;
  /** What it is to keep if this bus makes it, and has no `retention`. @default 24 hours and 256 MiB */
  readonly initial?: EventRetention;
  /** How many nodes of NATS keep it. @default 'auto' */
  readonly replicas?: NatsReplicas;
  /** So many events wait while NATS is away; then the oldest are dropped. @default 10000 */
  readonly maxBacklog?: number;
}

const DEFAULT_MAX_BACKLOG = 10_000;
/** A start waits so long for the stream, then goes on without. */
const START_WAIT_MS = 2000;
/** A stop gives the last events so long to be stored. */
const STOP_WAIT_MS = 2000;

/**
 * The bus of all services on one NATS: events are CloudEvents on subjects
 * "enjambre.AREA.WHAT", and a JetStream stream is their record. Its own events are told
 * here at once, NATS or not; those of others as NATS gives them, also those that passed
 * while it was away.
 */
export class NatsEventBus implements EventBus {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #init: NatsEventBusInit;
  readonly #stamp: EventStamp;
  readonly #listeners = new Listeners();
  readonly #skipped: SkippedLog;
  readonly #placement: NodePlacement;
  readonly #outbox: EventOutbox;
  readonly #follower = new StreamFollower({
    onMessage: (message) => this.#hear(message),
    onLost: () => void this.#setUpAgain(),
  });
  readonly #stopping = new AbortController();
  #unlisten: (() => void) | undefined;
  /** Counts attempts at setting up; a newer one ends the older. */
  #attempt = 0;
  readonly #retry = new Backoff({ random: Math.random });
  #droppedBefore = 0;
  #published = 0;
  #toldProblem = '';

  constructor({ link, log }: NatsEventBusComponents, init: NatsEventBusInit) {
    this.#link = link;
    this.#log = log;
    this.#init = init;
    this.#stamp = new EventStamp(init);
    this.#skipped = new SkippedLog(log);
    this.#placement = new NodePlacement(init.replicas ?? 'auto');
    this.#outbox = new EventOutbox({
      maxWaiting: init.maxBacklog ?? DEFAULT_MAX_BACKLOG,
      onFailure: (error) => void this.#recover(error),
    });
  }

  get dropped(): number {
    return this.#outbox.dropped;
  }

  get published(): number {
    return this.#published;
  }

  get backlog(): number {
    return this.#outbox.waiting;
  }

  /** Resolves when events are stored, or after two seconds without. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#unlisten = this.#link.onConnected((connection) => {
        this.#retry.reset();
        void this.#setUp(connection).then(resolve);
      });
    });
    if (this.#link.connected) await Promise.race([ready, sleep(START_WAIT_MS, this.#stopping.signal)]);
  }

  async stop(): Promise<void> {
    if (this.#link.connected) await this.#outbox.flush(AbortSignal.timeout(STOP_WAIT_MS));
    const left = this.#outbox.events.length;
    if (left > 0) this.#log.warn({ events: left }, `${left} events were not stored on NATS before the stop`);
    this.#stopping.abort();
    this.#attempt += 1;
    this.#unlisten?.();
    this.#follower.stop();
  }

  publish(fact: Fact): void {
    const event = this.#stamp.make(fact);
    this.#published += 1;
    this.#listeners.tell({ event, position: undefined });
    try {
      this.#outbox.add(event, encodeEvent(event));
    } catch (error) {
      this.#log.error({ err: error }, 'an event could not be written as a CloudEvent and is not stored');
    }
  }

  subscribe(listener: EventListener): () => void {
    return this.#listeners.add(listener);
  }

  async *replay(start: ReplayStart, signal: AbortSignal): AsyncGenerator<HeardEvent, void, undefined> {
    const unstored = new Map(this.#outbox.events.map((event) => [event.id, event]));
    const sinceMs = 'sinceMs' in start ? start.sinceMs : -Infinity;
    for await (const message of replayStream(this.#link.connection, start, signal)) {
      const event = this.#read(message);
      if (!event) continue;
      unstored.delete(event.id);
      if (timeOf(event) >= sinceMs) yield { event, position: message.seq };
    }
    for (const event of unstored.values()) {
      if (signal.aborted) return;
      if (timeOf(event) >= sinceMs) yield { event, position: undefined };
    }
  }

  /** Has the stream, hears of it and sends to it. Tries until that is so, or the connection is lost, or a newer attempt began. */
  async #setUp(connection: NatsConnection): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    while (attempt === this.#attempt && this.#link.connected) {
      try {
        const stream = await this.#ensureStream(connection);
        await this.#follower.follow(connection, stream);
        if (attempt !== this.#attempt) return;
        this.#outbox.resume(connection.jetstream());
        this.#toldProblem = '';
        this.#tellDropped();
        return;
      } catch (error) {
        this.#tellProblem(error);
        await sleep(this.#retry.next(), this.#stopping.signal);
      }
    }
  }

  async #ensureStream(connection: NatsConnection): Promise<StreamInfo> {
    const manager = await connection.jetstreamManager();
    const { retention, initial } = this.#init;
    const onRefused = (error: unknown): void => this.#tellRefused(error);
    const make = (nodes: number): Promise<StreamInfo> =>
      ensureEventStream(manager, { retention, initial, nodes, onRefused });
    return this.#placement.place({ connection, stream: EVENT_STREAM, make });
  }

  /** Each cause once, however often it is met. */
  #tellProblem(error: unknown): void {
    const problem = jetStreamProblem(error, this.#reservation);
    if (problem === this.#toldProblem) return;
    this.#toldProblem = problem;
    this.#log.warn({ err: error }, `events cannot be stored on NATS: ${problem}`);
  }

  #tellRefused(error: unknown): void {
    const problem = jetStreamProblem(error, this.#reservation);
    this.#log.warn({ err: error }, `NATS keeps as many events as before: ${problem}`);
  }

  get #reservation(): Reservation {
    const { maxBytes: bytes } = this.#init.retention ?? this.#init.initial ?? DEFAULT_RETENTION;
    return { what: 'events', bytes, setting: 'eventMaxBytes' };
  }

  /** Something sent was refused or not answered. */
  async #recover(error: unknown): Promise<void> {
    this.#log.debug({ err: error }, 'NATS did not store an event: it is sent again');
    await sleep(this.#retry.next(), this.#stopping.signal);
    if (!this.#outbox.sending) await this.#setUpAgain();
  }

  /** If the connection is lost, its return is what sets up again. */
  async #setUpAgain(): Promise<void> {
    if (this.#link.connected && !this.#stopping.signal.aborted) await this.#setUp(this.#link.connection);
  }

  #hear(message: StreamMessage): void {
    const event = this.#read(message);
    if (event && !this.#stamp.made(event)) this.#listeners.tell({ event, position: message.seq });
  }

  #read({ subject, data }: StreamMessage): Event | undefined {
    try {
      return decodeEvent(subject, data);
    } catch (error) {
      this.#skipped.add(subject, error);
      return undefined;
    }
  }

  #tellDropped(): void {
    const dropped = this.dropped - this.#droppedBefore;
    if (dropped === 0) return;
    this.#droppedBefore = this.dropped;
    const message = `${dropped} events were dropped while NATS was away: they are in no record`;
    this.#log.warn({ dropped, total: this.dropped }, message);
  }
}

function timeOf({ time }: Event): number {
  return time?.getTime() ?? 0;
}
