import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { headers, type JetStreamClient, type MsgHdrs } from 'nats';
import { CLOUD_EVENT_CONTENT_TYPE, subjectOf } from './convert.js';

export interface OutboxInit {
  /** Number of events that may wait for NATS; above it the oldest are dropped. */
  readonly maxWaiting: number;
  /** Called once when sending has stopped because of an error; {@link EventOutbox.resume} restarts it. */
  readonly onFailure: (error: unknown) => void;
}

interface Waiting {
  readonly event: Event;
  readonly encoded: string;
  stored: boolean;
}

/** Number of events in flight at a time: more are not faster. */
const MAX_UNDER_WAY = 256;
/** A longer acknowledgement counts as lost. */
const ACK_TIMEOUT_MS = 5000;

/**
 * Events on their way to the stream, in order. Each stays here until NATS has stored it, and is sent again,
 * under the same id, when its storage is in doubt.
 */
export class EventOutbox {
  readonly #init: OutboxInit;
  /** In order; the first `#sent` are in flight or stored. */
  readonly #queue: Waiting[] = [];
  #sent = 0;
  /** Number of stored events at the front. */
  #done = 0;
  #underWay = 0;
  /** Absent while nothing can be sent. */
  #stream: JetStreamClient | undefined;
  /** Counts resumptions: an earlier send may have succeeded, and its failure is ignored. */
  #turn = 0;
  #dropped = 0;
  #onEmpty: (() => void) | undefined;

  constructor(init: OutboxInit) {
    this.#init = init;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Number of waiting events, including those in flight. */
  get waiting(): number {
    return this.#queue.length - this.#done;
  }

  /** Events not known to be stored, in order. */
  get events(): Event[] {
    return this.#queue.filter(({ stored }) => !stored).map(({ event }) => event);
  }

  /** False from a failure until {@link resume}. */
  get sending(): boolean {
    return this.#stream !== undefined;
  }

  /** @param encoded its stored form */
  add(event: Event, encoded: string): void {
    if (this.waiting >= this.#init.maxWaiting) this.#dropOldest();
    this.#queue.push({ event, encoded, stored: false });
    this.#send();
  }

  /** Sends all events that are not stored, from the first. */
  resume(stream: JetStreamClient): void {
    this.#pause();
    this.#stream = stream;
    this.#send();
  }

  /** Resolves when all events are stored, or `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#queue.length === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #send(): void {
    while (this.#stream && this.#underWay < MAX_UNDER_WAY) {
      const next = this.#queue[this.#sent];
      if (!next) return;
      this.#sent += 1;
      if (!next.stored) void this.#store(next, this.#stream);
    }
  }

  async #store(waiting: Waiting, stream: JetStreamClient): Promise<void> {
    const turn = this.#turn;
    this.#underWay += 1;
    try {
      const { event, encoded } = waiting;
      const options = { msgID: event.id, timeout: ACK_TIMEOUT_MS, headers: contentType() };
      await stream.publish(subjectOf(event), encoded, options);
      waiting.stored = true;
      this.#trim();
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#pause();
      this.#init.onFailure(error);
    } finally {
      if (turn === this.#turn) this.#underWay -= 1;
    }
    this.#send();
  }

  #pause(): void {
    this.#turn += 1;
    this.#stream = undefined;
    this.#sent = 0;
    this.#underWay = 0;
  }

  /** Removes stored events from the front in batches: shifting a long queue one by one is slow. */
  #trim(): void {
    while (this.#queue[this.#done]?.stored) this.#done += 1;
    const empty = this.#done === this.#queue.length;
    if (!empty && this.#done < MAX_UNDER_WAY) return;
    this.#queue.splice(0, this.#done);
    this.#sent = Math.max(0, this.#sent - this.#done);
    this.#done = 0;
    if (empty) this.#onEmpty?.();
  }

  #dropOldest(): void {
    this.#queue.splice(this.#done, 1);
    if (this.#sent > this.#done) this.#sent -= 1;
    this.#dropped += 1;
  }
}

function contentType(): MsgHdrs {
  const made = headers();
  made.set('content-type', CLOUD_EVENT_CONTENT_TYPE);
  return made;
}
