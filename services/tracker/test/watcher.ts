import { fromServiceError } from '@enjambre/rpc/status';
import type { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type {
  TrackerServiceClient,
  WatchEventsRequest,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { eventually } from './harness.js';

/** A caller of WatchEvents that keeps the events. */
export class Watcher {
  readonly events: Event[] = [];
  error: EnjambreError | undefined;
  readonly call: ClientReadableStream<WatchEventsResponse>;

  private constructor(client: TrackerServiceClient, request: Partial<WatchEventsRequest>, token?: string) {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    this.call = client.watchEvents({ types: [], since: undefined, replayOnly: false, ...request }, metadata);
    this.call.on('data', ({ event }: WatchEventsResponse) => this.events.push(event!));
    this.call.on('error', (error) => (this.error = fromServiceError(error)));
  }

  /** Resolves when the subscription is active. */
  static async start(
    client: TrackerServiceClient,
    request: Partial<WatchEventsRequest> = {},
    token?: string,
  ): Promise<Watcher> {
    const watcher = new Watcher(client, request, token);
    await new Promise((resolve) => watcher.call.on('metadata', resolve));
    return watcher;
  }

  get kinds(): (string | undefined)[] {
    return this.events.map(({ event }) => event?.$case);
  }

  async kindsWhen(count: number): Promise<(string | undefined)[]> {
    return eventually(() => (this.events.length >= count ? this.kinds : undefined));
  }
}
