import { firstOf } from '@enjambre/common/async/first-of';
import { operatorAuthorization } from '@enjambre/common/identity/operator-token';
import { callUnary, readStream } from '@enjambre/rpc/client';
import type { Dialer } from '@enjambre/rpc/dialer';
import { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import {
  TrackerServiceClient,
  type File,
  type Peer,
  type SwarmMember,
  type WatchEventsRequest,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { Metadata } from '@grpc/grpc-js';
import type { Session } from './context.js';
import { allPages, PAGE_SIZE } from './pages.js';
import { explainTrackerError, isUnreachable } from './unreachable.js';

/** Largest number of peers of one file that a tracker returns. */
const MAX_SWARM_PEERS = 200;
const MAX_MESSAGE_BYTES = 16 << 20;
/** If there are several trackers, one that takes longer counts as unreachable. */
const ANSWER_TIMEOUT_MS = 5000;

/** The parts of a session that a call to a tracker needs. */
type Asker = Pick<Session, 'context' | 'signal' | 'output'>;

type UnaryMethod<Request, Response> = Parameters<typeof callUnary<Request, Response>>[0];

/**
 * Runs `work` with the first of `addresses` that answers. Throws the tracker's error or, if
 * none answers, `unavailable`, TRACKER_UNREACHABLE.
 */
export async function withTracker<T>(
  { context, signal, output }: Asker,
  addresses: readonly string[],
  work: (tracker: TrackerClient) => Promise<T>,
): Promise<T> {
  const dialer = await context.dialer();
  let left = addresses;
  for (;;) {
    const address = await answering(dialer, left, signal);
    output.debug(`tracker at ${address}`);
    const tracker = new TrackerClient(dialer, address, signal);
    try {
      return await work(tracker);
    } catch (error) {
      left = left.filter((other) => other !== address);
      if (!isUnreachable(error) || left.length === 0) throw error;
    } finally {
      tracker.close();
    }
  }
}

/** The same for a stream, from the first of `addresses` that answers. */
export async function* trackerStream<T>(
  { context, signal, output }: Asker,
  addresses: readonly string[],
  open: (tracker: TrackerClient) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const dialer = await context.dialer();
  const address = await answering(dialer, addresses, signal);
  output.debug(`tracker at ${address}`);
  const tracker = new TrackerClient(dialer, address, signal);
  try {
    yield* open(tracker);
  } finally {
    tracker.close();
  }
}

/** The first of several trackers to answer; each has a short head start before the next is queried too. */
async function answering(dialer: Dialer, addresses: readonly string[], signal: AbortSignal): Promise<string> {
  const [only = '', ...others] = addresses;
  if (others.length === 0) return only;
  return firstOf(
    addresses,
    async (address, attempt) => {
      const tracker = new TrackerClient(dialer, address, attempt.signal);
      try {
        await tracker.answer();
        return address;
      } finally {
        tracker.close();
      }
    },
    signal,
  );
}

/** Client of a tracker, without an agent. Methods throw EnjambreError with a message for the user. */
export class TrackerClient {
  readonly #client: TrackerServiceClient;
  readonly #address: string;
  readonly #signal: AbortSignal;

  constructor(dialer: Dialer, address: string, signal: AbortSignal) {
    this.#client = dialer.client(TrackerServiceClient, address, 'tracker', {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    });
    this.#address = address;
    this.#signal = signal;
  }

  close(): void {
    this.#client.close();
  }

  /** Resolves on any answer, also an error. Throws `unavailable`, TRACKER_UNREACHABLE. */
  async answer(): Promise<void> {
    try {
      await this.#call(this.#client.getStats.bind(this.#client), {}, ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (isUnreachable(error) || this.#signal.aborted) throw error;
    }
  }

  files(query: string): Promise<File[]> {
    return allPages(async (pageToken) => {
      const page = await this.#call(this.#client.listFiles.bind(this.#client), {
        query,
        pageSize: PAGE_SIZE,
        pageToken,
        exactName: false,
        publisher: '',
      });
      return { items: page.files, next: page.nextPageToken };
    });
  }

  /** Files of exactly this name, or whose infohash begins with at least these 8 digits. Throws `precondition`, AMBIGUOUS_REF, for more than a page. */
  async filesNamed(query: string): Promise<File[]> {
    const request = { query, pageSize: PAGE_SIZE, pageToken: '', exactName: true, publisher: '' };
    const { files, nextPageToken } = await this.#call(this.#client.listFiles.bind(this.#client), request);
    if (nextPageToken === '') return files;
    const message = `more than ${PAGE_SIZE} files match ${query}: use an infohash`;
    throw new EnjambreError('precondition', 'AMBIGUOUS_REF', message);
  }

  peers(): Promise<Peer[]> {
    return allPages(async (pageToken) => {
      const page = await this.#call(this.#client.listPeers.bind(this.#client), {
        query: '',
        pageSize: PAGE_SIZE,
        pageToken,
      });
      return { items: page.peers, next: page.nextPageToken };
    });
  }

  /** @param infohash 64 hexadecimal digits */
  async swarm(infohash: string): Promise<SwarmMember[]> {
    return (
      await this.#call(this.#client.getSwarm.bind(this.#client), { infohash, maxPeers: MAX_SWARM_PEERS })
    ).members;
  }

  /** @param operatorTokenFile its token is presented to a tracker on this machine, which then shows all texts */
  async *events(
    request: WatchEventsRequest,
    operatorTokenFile: string | undefined,
  ): AsyncGenerator<Event, void, undefined> {
    const metadata = new Metadata();
    const authorization = await operatorAuthorization(this.#address, operatorTokenFile);
    if (authorization !== undefined) metadata.set('authorization', authorization);
    try {
      for await (const { event } of readStream(this.#client.watchEvents(request, metadata), this.#signal)) {
        if (event) yield event;
      }
    } catch (error) {
      throw explainTrackerError(EnjambreError.from(error), this.#address);
    }
  }

  async #call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs?: number,
  ): Promise<Response> {
    const options = { signal: this.#signal, ...(timeoutMs !== undefined && { timeoutMs }) };
    try {
      return await callUnary<Request, Response>(method, request, options);
    } catch (error) {
      throw explainTrackerError(EnjambreError.from(error), this.#address);
    }
  }
}
