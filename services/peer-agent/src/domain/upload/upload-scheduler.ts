/** A request of a downloader. */
export interface UploadRequest {
  /** Chosen by the downloader, unique among its unanswered requests. */
  readonly id: number;
  /** Maximum length of the answer in bytes. */
  readonly length: number;
}

/** A request whose turn it is. */
export interface UploadJob<Stream, Request extends UploadRequest> {
  readonly stream: Stream;
  readonly request: Request;
}

export interface UploadLimits {
  /** Bytes being read or sent, over all streams. */
  readonly maxBytes: number;
  /** Bytes being read or sent to one stream. */
  readonly maxStreamBytes: number;
  /** Unanswered requests of one stream. */
  readonly maxQueued: number;
}

export const DEFAULT_UPLOAD_LIMITS: UploadLimits = {
  maxBytes: 48 << 20,
  maxStreamBytes: 2 << 20,
  maxQueued: 2048,
};

export interface StreamInit {
  /** Whom the stream belongs to: parties share the memory fairly. @default the stream itself */
  readonly party?: unknown;
  /** Called before each block; false while a limit blocks the stream. @default always true */
  readonly mayServe?: () => boolean;
}

/** The streams of one party. */
interface Party {
  streams: number;
  bytes: number;
}

interface Queue<Stream, Request> {
  readonly stream: Stream;
  readonly key: unknown;
  readonly party: Party;
  /** False while a limit allows nothing more to be sent. */
  readonly mayServe: () => boolean;
  readonly waiting: Map<number, Request>;
  /** Requests that had their turn and cannot be answered yet. */
  readonly parked: Map<number, Request>;
  readonly running: Set<number>;
  bytes: number;
}

/**
 * Chooses the request to serve next: streams take turns, block by block, so that each gets a fair share of the bytes.
 * Bounds the bytes in memory, per stream, per party and in total: a party gets no more than its equal share, and at least
 * what a stream may have.
 */
export class UploadScheduler<Stream, Request extends UploadRequest = UploadRequest> {
  readonly #queues = new Map<Stream, Queue<Stream, Request>>();
  readonly #parties = new Map<unknown, Party>();
  #bytes = 0;

  constructor(private readonly limits: UploadLimits = DEFAULT_UPLOAD_LIMITS) {}

  /** Number of requests that wait or are held back, and bytes being read or sent. */
  get load(): { readonly waiting: number; readonly bytes: number } {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size + queue.parked.size;
    return { waiting, bytes: this.#bytes };
  }

  get maxBytes(): number {
    return this.limits.maxBytes;
  }

  /** True if no more may be in memory: all streams wait. */
  get isExhausted(): boolean {
    return this.#bytes >= this.limits.maxBytes;
  }

  open(stream: Stream, { party: key = stream, mayServe = () => true }: StreamInit = {}): void {
    const requests = { waiting: new Map(), parked: new Map(), running: new Set<number>() };
    const party = this.#parties.get(key) ?? { streams: 0, bytes: 0 };
    party.streams += 1;
    this.#parties.set(key, party);
    this.#queues.set(stream, { stream, key, party, mayServe, ...requests, bytes: 0 });
  }

  /** Drops a stream and all its requests. */
  close(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue) return;
    this.#queues.delete(stream);
    this.#bytes -= queue.bytes;
    queue.party.bytes -= queue.bytes;
    queue.party.streams -= 1;
    if (queue.party.streams === 0) this.#parties.delete(queue.key);
  }

  /** Removes all requests of a stream that are not being served, and returns their ids. */
  drain(stream: Stream): number[] {
    const queue = this.#queues.get(stream);
    if (!queue) return [];
    const ids = [...queue.parked.keys(), ...queue.waiting.keys()];
    queue.parked.clear();
    queue.waiting.clear();
    return ids;
  }

  /** Queues a request. Returns `full` or `duplicate` if the stream broke the protocol. */
  add(stream: Stream, request: Request): 'queued' | 'full' | 'duplicate' {
    const queue = this.#queues.get(stream);
    if (!queue) return 'duplicate';
    const { waiting, parked, running } = queue;
    if ([waiting, parked, running].some((requests) => requests.has(request.id))) return 'duplicate';
    if (waiting.size + parked.size + running.size >= this.limits.maxQueued) return 'full';
    queue.waiting.set(request.id, request);
    return 'queued';
  }

  /** Removes a request. False if it is already being served, or does not exist. */
  cancel(stream: Stream, id: number): boolean {
    const queue = this.#queues.get(stream);
    return queue !== undefined && (queue.waiting.delete(id) || queue.parked.delete(id));
  }

  /** Parks a request returned by {@link next} that cannot be answered yet, until {@link wake}. */
  park(stream: Stream, request: Request): void {
    const queue = this.#queues.get(stream);
    if (!queue?.running.has(request.id)) return;
    this.done(stream, request);
    queue.parked.set(request.id, request);
  }

  /** Requeues the parked requests of a stream before all its others. */
  wake(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue || queue.parked.size === 0) return;
    const others = [...queue.waiting];
    queue.waiting.clear();
    for (const [id, request] of [...queue.parked, ...others]) queue.waiting.set(id, request);
    queue.parked.clear();
  }

  /** The next request to serve, or undefined if none waits or all limits are reached. */
  next(): UploadJob<Stream, Request> | undefined {
    if (this.isExhausted) return undefined;
    const fair = Math.max(this.limits.maxStreamBytes, this.limits.maxBytes / this.#parties.size);
    for (const queue of this.#queues.values()) {
      if (queue.bytes >= this.limits.maxStreamBytes || queue.party.bytes >= fair) continue;
      const request = first(queue.waiting);
      if (!request || !queue.mayServe()) continue;
      queue.waiting.delete(request.id);
      queue.running.add(request.id);
      this.#count(queue, request.length);
      this.#moveToEnd(queue);
      return { stream: queue.stream, request };
    }
    return undefined;
  }

  /** A request returned by {@link next} was answered. */
  done(stream: Stream, request: Request): void {
    const queue = this.#queues.get(stream);
    if (!queue?.running.delete(request.id)) return;
    this.#count(queue, -request.length);
  }

  #count(queue: Queue<Stream, Request>, bytes: number): void {
    queue.bytes += bytes;
    queue.party.bytes += bytes;
    this.#bytes += bytes;
  }

  #moveToEnd(queue: Queue<Stream, Request>): void {
    this.#queues.delete(queue.stream);
    this.#queues.set(queue.stream, queue);
  }
}

function first<Request>(waiting: ReadonlyMap<number, Request>): Request | undefined {
  for (const request of waiting.values()) return request;
  return undefined;
}
