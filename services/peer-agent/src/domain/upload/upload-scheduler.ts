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

interface Queue<Stream, Request> {
  readonly stream: Stream;
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
 * Bounds the bytes in memory, per stream and in total.
 */
export class UploadScheduler<Stream, Request extends UploadRequest = UploadRequest> {
  readonly #queues = new Map<Stream, Queue<Stream, Request>>();
  #bytes = 0;

  constructor(private readonly limits: UploadLimits = DEFAULT_UPLOAD_LIMITS) {}

  /** Number of requests that wait or are held back, and bytes being read or sent. */
  get load(): { readonly waiting: number; readonly bytes: number } {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size + queue.parked.size;
    return { waiting, bytes: this.#bytes };
  }

  /** @param mayServe called before each block; false while a limit blocks the stream */
  open(stream: Stream, mayServe: () => boolean = () => true): void {
    const requests = { waiting: new Map(), parked: new Map(), running: new Set<number>() };
    this.#queues.set(stream, { stream, mayServe, ...requests, bytes: 0 });
  }

  /** Drops a stream and all its requests. */
  close(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue) return;
    this.#queues.delete(stream);
    this.#bytes -= queue.bytes;
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
    if (this.#bytes >= this.limits.maxBytes) return undefined;
    for (const queue of this.#queues.values()) {
      if (queue.bytes >= this.limits.maxStreamBytes) continue;
      const request = first(queue.waiting);
      if (!request || !queue.mayServe()) continue;
      queue.waiting.delete(request.id);
      queue.running.add(request.id);
      queue.bytes += request.length;
      this.#bytes += request.length;
      this.#moveToEnd(queue);
      return { stream: queue.stream, request };
    }
    return undefined;
  }

  /** A request returned by {@link next} was answered. */
  done(stream: Stream, request: Request): void {
    const queue = this.#queues.get(stream);
    if (!queue?.running.delete(request.id)) return;
    queue.bytes -= request.length;
    this.#bytes -= request.length;
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
