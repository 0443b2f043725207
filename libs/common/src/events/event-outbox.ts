import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { headers, type JetStreamClient, type MsgHdrs } from 'nats';
import { CLOUD_EVENT_CONTENT_TYPE, subjectOf } from './convert.js';

export interface OutboxInit {
  /** So many events wait for NATS; the oldest make room. */
  readonly maxWaiting: number;
  /** Called once when sending has stopped because of an error; {@link EventOutbox.resume} starts it again. */
  readonly onFailure: (error: unknown) => void;
}

interface Waiting {
  readonly event: Event;
  readonly encoded: string;
  stored: boolean;
}

/** So many events are under way at a time: more is not faster. */
const MAX_UNDER_WAY = 256;
/** An acknowledgement that takes longer is lost. */
const ACK_TIMEOUT_MS = 5000;

/**
 * Events on their way to the stream, in order. Each stays here until NATS has stored it,
 * and is sent again, under the same id, when that is in doubt.
 */
export class EventOutbox {
  readonly #init: OutboxInit;
  /** In order; the first `#sent` are under way or stored. */
  readonly #queue: Waiting[] = [];
  #sent = 0;
  /** The first so many are stored. */
  #done = 0;
  #underWay = 0;
  /** Absent while nothing can be sent. */
  #stream: JetStreamClient | undefined;
  /** Counts resumptions: what was sent before the last one may be stored, and says nothing of failures. */
  #turn = 0;
  #dropped = 0;
  #onEmpty: (() => void) | undefined;

  constructor(init: OutboxInit) {
    this.#init = init;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** How many wait, under way ones too. */
  get waiting(): number {
    return this.#queue.length - this.#done;
  }

  /** Those not known to be stored, in order. */
  get events(): Event[] {
    return this.#queue.filter(({ stored }) => !stored).map(({ event }) => event);
  }

  /** False from a failure until {@link resume}. */
  get sending(): boolean {
    return this.#stream !== undefined;
  }

  /** @param encoded what is stored of it */
  add(event: Event, encoded: string): void {
    if (this.waiting >= this.#init.maxWaiting) this.#dropOldest();
    this.#queue.push({ event, encoded, stored: false });
    this.#send();
  }

  /** Sends all that is not stored, from the first on. */
  resume(stream: JetStreamClient): void {
    this.#pause();
    this.#stream = stream;
    this.#send();
  }

  /** Resolves when all is stored, or `signal` aborts. */
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

  /** Takes what is stored off the front, many at a time: moving a long queue for each is slow. */
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
