/** Something that a downloader asked for. */
export interface UploadRequest {
  /** Chosen by the downloader, unique among its unanswered requests. */
  readonly id: number;
  /** Bytes that it takes to answer, at most. */
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
  /** False while a limit lets nothing more go to it. */
  readonly mayServe: () => boolean;
  readonly waiting: Map<number, Request>;
  /** Had their turn, and cannot be answered yet. */
  readonly parked: Map<number, Request>;
  readonly running: Set<number>;
  bytes: number;
}

/**
 * Whose request is served next: streams take turns, a block each, so that all of them
 * get a fair share of the bytes. Bounds what is in memory, for each stream and in all.
 */
export class UploadScheduler<Stream, Request extends UploadRequest = UploadRequest> {
  readonly #queues = new Map<Stream, Queue<Stream, Request>>();
  #bytes = 0;

  constructor(private readonly limits: UploadLimits = DEFAULT_UPLOAD_LIMITS) {}

  /** Requests that wait or are held back, and bytes that are being read or sent. */
  get load(): { readonly waiting: number; readonly bytes: number } {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size + queue.parked.size;
    return { waiting, bytes: this.#bytes };
  }

  /** @param mayServe asked before each block whether limits let it go */
  open(stream: Stream, mayServe: () => boolean = () => true): void {
    const requests = { waiting: new Map(), parked: new Map(), running: new Set<number>() };
    this.#queues.set(stream, { stream, mayServe, ...requests, bytes: 0 });
  }

  /** Forgets a stream and all it asked for. */
  close(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue) return;
    this.#queues.delete(stream);
    this.#bytes -= queue.bytes;
  }

  /** Queues a request. Says `full` or `duplicate` if the stream broke the rules. */
  add(stream: Stream, request: Request): 'queued' | 'full' | 'duplicate' {
    const queue = this.#queues.get(stream);
    if (!queue) return 'duplicate';
    const { waiting, parked, running } = queue;
    if ([waiting, parked, running].some((requests) => requests.has(request.id))) return 'duplicate';
    if (waiting.size + parked.size + running.size >= this.limits.maxQueued) return 'full';
    queue.waiting.set(request.id, request);
    return 'queued';
  }

  /** Takes a request back. False if it is being served already, or was never made. */
  cancel(stream: Stream, id: number): boolean {
    const queue = this.#queues.get(stream);
    return queue !== undefined && (queue.waiting.delete(id) || queue.parked.delete(id));
  }

  /** A request that {@link next} gave cannot be answered yet: it waits for {@link wake}. */
  park(stream: Stream, request: Request): void {
    const queue = this.#queues.get(stream);
    if (!queue?.running.has(request.id)) return;
    this.done(stream, request);
    queue.parked.set(request.id, request);
  }

  /** Parked requests of a stream wait for their turn again, before all others of it. */
  wake(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue || queue.parked.size === 0) return;
    const others = [...queue.waiting];
    queue.waiting.clear();
    for (const [id, request] of [...queue.parked, ...others]) queue.waiting.set(id, request);
    queue.parked.clear();
  }

  /** The next request to serve, or undefined if nothing waits or all limits are reached. */
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

  /** A request that {@link next} gave was answered. */
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
