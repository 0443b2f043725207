import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { DiskJob, DiskReply, HashJob, WriteJob } from './hash-jobs.js';
import { openPatiently } from './open-files.js';

interface Waiting {
  readonly resolve: (hashes: Buffer) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** More threads than this do not help: the event loop that feeds them is one. */
const MAX_THREADS = 4;

/** Threads that hash and write, so that the event loop does neither. They start with the first jobs, or with {@link start}. */
export class DiskPool implements Startable {
  readonly #threads: Thread[] = [];
  #nextId = 1;
  #closed = false;

  constructor(private readonly size = Math.min(MAX_THREADS, availableParallelism())) {}

  /** Starts all threads: later there may be no descriptors left for them, nor time. */
  start(): Promise<void> {
    while (this.#threads.length < this.size) this.#startThread();
    return Promise.resolve();
  }

  /** Writes a block and returns the root of its leaves. `data` is transferred: do not use it afterwards. */
  write(job: Omit<WriteJob, 'type' | 'buffer' | 'byteOffset' | 'length'>, data: Buffer): Promise<Buffer> {
    const owned = ownMemory(data);
    const { buffer, byteOffset, length } = owned;
    return this.#run({ type: 'write', ...job, buffer: buffer as ArrayBuffer, byteOffset, length }, [
      buffer as ArrayBuffer,
    ]);
  }

  /** Reads a run of pieces and returns their roots, 32 bytes each. Each thread opens one file at a time. */
  hash(job: Omit<HashJob, 'type'>): Promise<Buffer> {
    return openPatiently(() => this.#run({ type: 'hash', ...job }, []));
  }

  get threads(): number {
    return this.size;
  }

  async stop(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #run(job: DiskJob, transfer: ArrayBuffer[]): Promise<Buffer> {
    if (this.#closed) return Promise.reject(new Error('the disk threads have stopped'));
    const thread = this.#leastBusy();
    const id = this.#nextId++;
    return new Promise<Buffer>((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      thread.worker.postMessage({ id, job }, transfer);
    });
  }

  #leastBusy(): Thread {
    if (this.#threads.length < this.size && this.#threads.every(({ waiting }) => waiting.size > 0)) {
      return this.#startThread();
    }
    return this.#threads.reduce((best, thread) => (thread.waiting.size < best.waiting.size ? thread : best));
  }

  #startThread(): Thread {
    const worker = new Worker(workerFile(), { stdin: false });
    const thread: Thread = { worker, waiting: new Map() };
    worker.on('message', (reply: DiskReply) => {
      settle(thread, reply);
    });
    worker.on('error', (error) => {
      this.#lose(thread, error);
    });
    worker.on('exit', () => {
      this.#lose(thread, new Error('a disk thread ended'));
    });
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #lose(thread: Thread, error: Error): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    const cause = causeOf(error);
    for (const { reject } of thread.waiting.values()) reject(cause);
    thread.waiting.clear();
  }
}

/** A thread that could not start for want of descriptors says so in its text only. */
function causeOf(error: Error): Error {
  const [errno] = /\bE[MN]FILE\b/.exec(error.message) ?? [];
  return errno === undefined
    ? error
    : Object.assign(new Error(error.message, { cause: error }), { code: errno });
}

function settle({ waiting }: Thread, reply: DiskReply): void {
  const entry = waiting.get(reply.id);
  waiting.delete(reply.id);
  if (!entry) return;
  if (reply.ok) {
    const { buffer, byteOffset, byteLength } = reply.hashes;
    entry.resolve(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
  } else {
    entry.reject(Object.assign(new Error(reply.message), { code: reply.code }));
  }
}

/** Small buffers share Node's pool, which cannot be transferred. */
function ownMemory(data: Buffer): Buffer {
  const shared = data.buffer.byteLength > 2 * data.length + 1024 || data.length < 8192;
  if (!shared) return data;
  const copy = Buffer.allocUnsafeSlow(data.length);
  data.copy(copy);
  return copy;
}

/** The compiled worker, also when this file itself is run from its source by a test. */
function workerFile(): URL {
  const url = new URL('./disk.worker.js', import.meta.url);
  return new URL(url.href.replace('/src/adapters/', '/dist/adapters/'));
}
