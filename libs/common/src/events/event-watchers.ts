import { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { EventBus, HeardEvent, ReplayStart } from './event-bus.js';
import { EventFeed } from './event-feed.js';
import { eventFilter } from './event-filter.js';
import { eventTypeOf } from './event-types.js';

/** The WatchEventsRequest of any service. */
interface WatchRequest {
  readonly types: readonly string[];
  readonly since: Date | undefined;
  readonly replayOnly: boolean;
}

interface Watch {
  readonly feed: EventFeed;
  readonly passes: (event: Event) => boolean;
}

/** Handles WatchEvents of any service. */
export class EventWatchers {
  readonly #open = new Set<EventFeed>();
  #stopping = false;

  /** @param service what the error says is stopping: "tracker" */
  constructor(
    private readonly bus: Pick<EventBus, 'subscribe' | 'replay'>,
    private readonly service: string,
  ) {}

  /**
   * Recorded events first, if `since` is given, then what happens from now on: each once
   * and none left out between the two. Throws `invalid` BAD_EVENT_FILTER or BAD_SINCE,
   * `exhausted` SLOW_READER, `unavailable` STOPPING or NATS_UNREACHABLE.
   */
  async *watch(
    request: WatchRequest,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<{ event: Event }> {
    if (this.#stopping) throw this.#stoppingError();
    const passesType = eventFilter(request.types);
    const passes = (event: Event): boolean => passesType(eventTypeOf(event));
    const sinceMs = toSinceMs(request.since);
    const feed = new EventFeed();
    this.#open.add(feed);
    const onAbort = (): void => feed.end();
    signal.addEventListener('abort', onAbort);
    try {
      if (request.replayOnly) yield* this.#replayOnly({ feed, passes }, sinceMs);
      else yield* this.#follow({ feed, passes }, sinceMs);
    } finally {
      this.#open.delete(feed);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends all feeds and opens no more. */
  stop(): void {
    this.#stopping = true;
    for (const feed of this.#open) feed.end(this.#stoppingError());
  }

  async *#replayOnly({ feed, passes }: Watch, sinceMs: number | undefined): AsyncGenerator<{ event: Event }> {
    if (sinceMs === undefined) return;
    for await (const { event } of this.bus.replay({ sinceMs }, feed.signal)) {
      if (passes(event)) yield { event };
    }
    // Throws if it was the end of the feed that ended the replay.
    if (feed.signal.aborted) await feed.next();
  }

  async *#follow(watch: Watch, sinceMs: number | undefined): AsyncGenerator<{ event: Event }> {
    const { feed, passes } = watch;
    const told = new ToldEvents();
    const unsubscribe = this.bus.subscribe((heard) => {
      if (passes(heard.event) && !told.has(heard)) feed.push(heard);
    });
    try {
      if (sinceMs !== undefined) yield* this.#catchUp(watch, { sinceMs }, told);
      for (;;) {
        const heard = await feed.next();
        if (!heard) return;
        if (told.has(heard)) continue;
        // Positions only grow from here on, unless the record is lost: then they begin again.
        if (heard.position !== undefined) told.clear();
        yield { event: heard.event };
      }
    } finally {
      unsubscribe();
    }
  }

  /**
   * Replays until what happens meanwhile fits into the feed. So a long record is read at the
   * caller's own pace, out of the record and not out of memory.
   */
  async *#catchUp(
    { feed, passes }: Watch,
    since: ReplayStart,
    told: ToldEvents,
  ): AsyncGenerator<{ event: Event }> {
    for (let start = since; ;) {
      for await (const heard of this.bus.replay(start, feed.signal)) {
        if (heard.position !== undefined) start = { after: heard.position };
        const again = told.has(heard);
        told.add(heard);
        feed.forget(heard.event.id);
        if (!again && passes(heard.event)) yield { event: heard.event };
      }
      if (!feed.overflowed) return;
      feed.reset();
    }
  }

  #stoppingError(): EnjambreError {
    return new EnjambreError('unavailable', 'STOPPING', `the ${this.service} is stopping: call again`);
  }
}

/** What a replay has told, in bounded memory: all up to a position, and a few that had none. */
class ToldEvents {
  readonly #ids = new Set<string>();
  #position = 0;

  add({ event, position }: HeardEvent): void {
    if (position === undefined) this.#ids.add(event.id);
    else this.#position = Math.max(this.#position, position);
  }

  has({ event, position }: HeardEvent): boolean {
    if (this.#ids.has(event.id)) return true;
    return position !== undefined && position <= this.#position;
  }

  clear(): void {
    this.#ids.clear();
    this.#position = 0;
  }
}

function toSinceMs(since: Date | undefined): number | undefined {
  const ms = since?.getTime();
  if (Number.isNaN(ms)) {
    throw new EnjambreError(
      'invalid',
      'BAD_SINCE',
      '"since" is no time: give one between the years 1 and 9999',
    );
  }
  return ms;
}
