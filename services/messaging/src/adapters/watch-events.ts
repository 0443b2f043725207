import type { CallContext } from '@enjambre/common/grpc/handlers';
import { EnjambreError } from '@enjambre/core/error';
import type {
  WatchEventsRequest,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { eventFilter } from '../domain/event-filter.js';
import type { PublishedEvent } from '../domain/events.js';
import { fromEvent } from './convert-events.js';

interface EventSource {
  subscribe(listener: (event: PublishedEvent) => void): () => void;
}

/** So many events wait for a caller that is slower than the network's life. */
const MAX_BUFFERED = 1024;

/** Handles WatchEvents. */
export class EventWatchers {
  readonly #open = new Set<EventFeed>();
  #stopping = false;

  constructor(private readonly events: EventSource) {}

  /** Events from now on. Throws `invalid` BAD_EVENT_FILTER, `exhausted` SLOW_READER, `unavailable` STOPPING. */
  async *watch(request: WatchEventsRequest, { signal }: CallContext): AsyncGenerator<WatchEventsResponse> {
    if (this.#stopping) throw stopping();
    const passes = eventFilter(request.types);
    const feed = new EventFeed();
    this.#open.add(feed);
    const unsubscribe = this.events.subscribe((event) => {
      if (passes(event.event.type)) feed.push(event);
    });
    const onAbort = (): void => feed.end();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        const event = await feed.next();
        if (!event) return;
        yield { event: fromEvent(event) };
      }
    } finally {
      unsubscribe();
      this.#open.delete(feed);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends all feeds and opens no more. */
  stop(): void {
    this.#stopping = true;
    for (const feed of this.#open) feed.end(stopping());
  }
}

/** A bounded queue between the bus and one caller. */
class EventFeed {
  #buffer: PublishedEvent[] = [];
  #end: { readonly error?: EnjambreError } | undefined;
  #wake: (() => void) | undefined;

  push(event: PublishedEvent): void {
    if (this.#end) return;
    if (this.#buffer.length >= MAX_BUFFERED) this.end(slowReader());
    else this.#buffer.push(event);
    this.#wake?.();
  }

  /** Drops what is buffered: the caller hears of nothing but the end. */
  end(error?: EnjambreError): void {
    this.#end ??= error ? { error } : {};
    this.#buffer = [];
    this.#wake?.();
  }

  /** The next event, in time; undefined at the end. Throws what the feed ended with. */
  async next(): Promise<PublishedEvent | undefined> {
    while (!this.#end && this.#buffer.length === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#end?.error) throw this.#end.error;
    return this.#buffer.shift();
  }
}

function slowReader(): EnjambreError {
  return new EnjambreError('exhausted', 'SLOW_READER', 'events were left unread for too long: read faster');
}

function stopping(): EnjambreError {
  return new EnjambreError('unavailable', 'STOPPING', 'the relay is stopping: call again');
}
