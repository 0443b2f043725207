import { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { EventBus, HeardEvent, ReplayStart } from './event-bus.js';
import { EventFeed } from './event-feed.js';
import { eventFilter } from './event-filter.js';
import type { EventView } from './event-view.js';
import { eventTypeOf } from './event-types.js';

/** The WatchEventsRequest of any service. */
interface WatchRequest {
  readonly types: readonly string[];
  readonly since: Date | undefined;
  readonly replayOnly: boolean;
}

/** The caller of WatchEvents. */
interface Watcher {
  readonly signal: AbortSignal;
  /** Applied to each event before it is sent. */
  readonly view: EventView;
}

interface Watch {
  readonly feed: EventFeed;
  readonly passes: (event: Event) => boolean;
}

/** Handles WatchEvents for any service. */
export class EventWatchers {
  readonly #open = new Set<EventFeed>();
  #stopping = false;

  /** @param service name of the stopping service in the error: "tracker" */
  constructor(
    private readonly bus: Pick<EventBus, 'subscribe' | 'replay'>,
    private readonly service: string,
  ) {}

  /**
   * Streams recorded events first, if `since` is given, then new ones: each once and without a gap between
   * the two. Throws `invalid` BAD_EVENT_FILTER or BAD_SINCE, `exhausted` SLOW_READER, `unavailable` STOPPING
   * or NATS_UNREACHABLE.
   */
  async *watch(request: WatchRequest, { signal, view }: Watcher): AsyncGenerator<{ event: Event }> {
    for await (const event of this.#whole(request, signal)) {
      const seen = view(event);
      if (seen) yield { event: seen };
    }
  }

  async *#whole(request: WatchRequest, signal: AbortSignal): AsyncGenerator<Event> {
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

  /** Ends all feeds and refuses new ones. */
  stop(): void {
    this.#stopping = true;
    for (const feed of this.#open) feed.end(this.#stoppingError());
  }

  async *#replayOnly({ feed, passes }: Watch, sinceMs: number | undefined): AsyncGenerator<Event> {
    if (sinceMs === undefined) return;
    for await (const { event } of this.bus.replay({ sinceMs }, feed.signal)) {
      if (passes(event)) yield event;
    }
    // Throws if the end of the feed ended the replay.
    if (feed.signal.aborted) await feed.next();
  }

  async *#follow(watch: Watch, sinceMs: number | undefined): AsyncGenerator<Event> {
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
        // From here positions only increase, unless the record is lost: then they restart.
        if (heard.position !== undefined) told.clear();
        yield heard.event;
      }
    } finally {
      unsubscribe();
    }
  }

  /**
   * Replays until the events that arrive meanwhile fit into the feed. A long record is thus read at the
   * caller's pace, from the record and not from memory.
   */
  async *#catchUp({ feed, passes }: Watch, since: ReplayStart, told: ToldEvents): AsyncGenerator<Event> {
    for (let start = since; ;) {
      for await (const heard of this.bus.replay(start, feed.signal)) {
        if (heard.position !== undefined) start = { after: heard.position };
        const again = told.has(heard);
        told.add(heard);
        feed.forget(heard.event.id);
        if (!again && passes(heard.event)) yield heard.event;
      }
      if (!feed.overflowed) return;
      feed.reset();
    }
  }

  #stoppingError(): EnjambreError {
    return new EnjambreError('unavailable', 'STOPPING', `the ${this.service} is stopping: call again`);
  }
}

/** The events that a replay has delivered, in bounded memory: all up to a position, and a few without one. */
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
      '"since" is not a valid time: use one between the years 1 and 9999',
    );
  }
  return ms;
}
