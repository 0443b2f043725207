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
  /** Its owner starts it before this bus and stops it after. */
  readonly link: NatsLink;
  readonly log: Logger;
}

export interface NatsEventBusInit extends StampInit {
  /** Retention of the stream; without it an existing stream stays unchanged. */
  readonly retention?: EventRetention;
  /** Retention if this bus creates the stream and `retention` is absent. @default 24 hours and 256 MiB */
  readonly initial?: EventRetention;
  /** Number of NATS nodes that store the stream. @default 'auto' */
  readonly replicas?: NatsReplicas;
  /**
   * Number of events that may wait while NATS is unreachable; above it the oldest are dropped. @default 10000
   */
  readonly maxBacklog?: number;
}

const DEFAULT_MAX_BACKLOG = 10_000;
/** The start waits this long for the stream, then continues without it. */
const START_WAIT_MS = 2000;
/** The stop waits this long for the last events to be stored. */
const STOP_WAIT_MS = 2000;

/**
 * The bus of all services on one NATS: events are CloudEvents on subjects "enjambre.AREA.WHAT", recorded in a
 * JetStream stream. Its own events are delivered here at once, with or without NATS; those of others as they
 * arrive from NATS, including those published during a loss of connection.
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
  /** Counts setup attempts; a newer attempt ends the older one. */
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

  /** Resolves when events are stored, or after two seconds. */
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
    if (left > 0)
      this.#log.warn({ event_count: left }, `${left} events were not stored on NATS before shutdown`);
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
      this.#log.error({ err: error }, 'an event could not be encoded as a CloudEvent and is not stored');
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

  /**
   * Sets up the stream, the follower and the outbox. Retries until that succeeds, the connection is lost, or
   * a newer attempt begins.
   */
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

  /** Logs each cause once, however often it occurs. */
  #tellProblem(error: unknown): void {
    const problem = jetStreamProblem(error, this.#reservation);
    if (problem === this.#toldProblem) return;
    this.#toldProblem = problem;
    this.#log.warn({ err: error }, `events cannot be stored on NATS: ${problem}`);
  }

  #tellRefused(error: unknown): void {
    const problem = jetStreamProblem(error, this.#reservation);
    this.#log.warn({ err: error }, `the event stream keeps its previous limits: ${problem}`);
  }

  get #reservation(): Reservation {
    const { maxBytes: bytes } = this.#init.retention ?? this.#init.initial ?? DEFAULT_RETENTION;
    return { what: 'events', bytes, setting: 'eventMaxBytes' };
  }

  /** A send was refused or not acknowledged. */
  async #recover(error: unknown): Promise<void> {
    this.#log.debug({ err: error }, 'NATS did not store an event: sending it again');
    await sleep(this.#retry.next(), this.#stopping.signal);
    if (!this.#outbox.sending) await this.#setUpAgain();
  }

  /** If the connection is lost, the reconnection sets up again. */
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
    const message = `${dropped} events were dropped while NATS was unreachable: they are not recorded`;
    this.#log.warn({ dropped_count: dropped, total_dropped_count: this.dropped }, message);
  }
}

function timeOf({ time }: Event): number {
  return time?.getTime() ?? 0;
}
