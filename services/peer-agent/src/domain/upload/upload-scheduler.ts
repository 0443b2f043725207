/** A block that a downloader asked for. */
export interface UploadRequest {
  /** Chosen by the downloader, unique among its unanswered requests. */
  readonly id: number;
  readonly piece: number;
  readonly begin: number;
  readonly length: number;
}

/** A request whose turn it is. */
export interface UploadJob<Stream> {
  readonly stream: Stream;
  readonly request: UploadRequest;
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

interface Queue<Stream> {
  readonly stream: Stream;
  /** False while a limit lets nothing more go to it. */
  readonly mayServe: () => boolean;
  readonly waiting: Map<number, UploadRequest>;
  readonly running: Set<number>;
  bytes: number;
}

/**
 * Whose request is served next: streams take turns, a block each, so that all of them
 * get a fair share of the bytes. Bounds what is in memory, for each stream and in all.
 */
export class UploadScheduler<Stream> {
  readonly #queues = new Map<Stream, Queue<Stream>>();
  #bytes = 0;

  constructor(private readonly limits: UploadLimits = DEFAULT_UPLOAD_LIMITS) {}

  /** @param mayServe asked before each block whether limits let it go */
  open(stream: Stream, mayServe: () => boolean = () => true): void {
    this.#queues.set(stream, { stream, mayServe, waiting: new Map(), running: new Set(), bytes: 0 });
  }

  /** Forgets a stream and all it asked for. */
  close(stream: Stream): void {
    const queue = this.#queues.get(stream);
    if (!queue) return;
    this.#queues.delete(stream);
    this.#bytes -= queue.bytes;
  }

  /** Queues a request. Says `full` or `duplicate` if the stream broke the rules. */
  add(stream: Stream, request: UploadRequest): 'queued' | 'full' | 'duplicate' {
    const queue = this.#queues.get(stream);
    if (!queue || queue.waiting.has(request.id) || queue.running.has(request.id)) return 'duplicate';
    if (queue.waiting.size + queue.running.size >= this.limits.maxQueued) return 'full';
    queue.waiting.set(request.id, request);
    return 'queued';
  }

  /** Takes a request back. False if it is being served already, or was never made. */
  cancel(stream: Stream, id: number): boolean {
    return this.#queues.get(stream)?.waiting.delete(id) ?? false;
  }

  /** The next request to serve, or undefined if nothing waits or all limits are reached. */
  next(): UploadJob<Stream> | undefined {
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
  done(stream: Stream, request: UploadRequest): void {
    const queue = this.#queues.get(stream);
    if (!queue?.running.delete(request.id)) return;
    queue.bytes -= request.length;
    this.#bytes -= request.length;
  }

  #moveToEnd(queue: Queue<Stream>): void {
    this.#queues.delete(queue.stream);
    this.#queues.set(queue.stream, queue);
  }
}

function first(waiting: ReadonlyMap<number, UploadRequest>): UploadRequest | undefined {
  for (const request of waiting.values()) return request;
  return undefined;
}
