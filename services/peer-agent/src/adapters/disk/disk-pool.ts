import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import { BlockMemory } from './block-memory.js';
import type { DiskJob, DiskReply, HashJob, WriteJob } from './hash-jobs.js';
import { THREAD_LOST } from './disk-errors.js';
import { openPatiently } from './open-files.js';

interface Waiting {
  readonly resolve: (hashes: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly bytes: number;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Total of the waiting jobs. */
  bytes: number;
}

export interface DiskPoolComponents {
  /** Source of the memory for written blocks. @default its own */
  readonly memory?: BlockMemory;
  /** The worker that each thread runs. @default the compiled worker beside this file */
  readonly worker?: URL;
}

export interface DiskPoolOptions {
  /** Maximum number of threads. @default one per processor, up to four */
  readonly size?: number;
}

const WORKER = new URL('./disk.worker.js', import.meta.url);

/** More threads do not help: a single event loop feeds them. */
const MAX_THREADS = 4;

/** Written and hashed within a millisecond. */
const SHORT_WAIT_BYTES = 1 << 20;

/**
 * Threads that hash and write, to keep both off the event loop. They start with the first jobs, or with {@link start}.
 */
export class DiskPool implements Startable {
  /** Maximum number of threads. */
  readonly threads: number;
  readonly #memory: BlockMemory;
  readonly #worker: URL;
  readonly #threads: Thread[] = [];
  #nextId = 1;
  #closed = false;
  #written = 0;

  constructor(
    { memory = new BlockMemory(), worker = WORKER }: DiskPoolComponents = {},
    { size = Math.min(MAX_THREADS, availableParallelism()) }: DiskPoolOptions = {},
  ) {
    this.#memory = memory;
    this.#worker = worker;
    this.threads = size;
  }

  /** Starts all threads: later, descriptors or time for them may be lacking. */
  start(): Promise<void> {
    while (this.#threads.length < this.threads) this.#startThread();
    return Promise.resolve();
  }

  /**
   * Writes a block and returns the root of its leaves. Takes ownership of `data`: it is transferred to a thread, and
   * its memory is reused for a later block. Fails with THREAD_LOST if that thread ends while it holds the block; the
   * next block uses another thread. Throws TypeError for data that was already transferred.
   */
  async write(
    job: Omit<WriteJob, 'type' | 'buffer' | 'byteOffset' | 'length'>,
    data: Buffer,
  ): Promise<Buffer> {
    if (data.length === 0) throw new TypeError('a block without bytes: was its memory handed over before?');
    const { buffer, byteOffset, length } = this.#ownMemory(data);
    const root = await this.#run({ type: 'write', ...job, buffer, byteOffset, length }, [buffer]);
    this.#written += length;
    return root;
  }

  /** Reads a run of pieces and returns their roots, 32 bytes each. Each thread opens one file at a time. */
  hash(job: Omit<HashJob, 'type'>): Promise<Buffer> {
    return openPatiently(() => this.#run({ type: 'hash', ...job }, []));
  }

  /** Bytes written, and number and bytes of the queued and running jobs. */
  get load(): { readonly written: number; readonly jobs: number; readonly bytes: number } {
    const sum = (of: (thread: Thread) => number): number =>
      this.#threads.reduce((all, each) => all + of(each), 0);
    return {
      written: this.#written,
      jobs: sum(({ waiting }) => waiting.size),
      bytes: sum(({ bytes }) => bytes),
    };
  }

  async stop(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #run(job: DiskJob, transfer: ArrayBuffer[]): Promise<Buffer> {
    if (this.#closed) return Promise.reject(new Error('the disk threads have stopped'));
    const thread = this.#choose();
    const id = this.#nextId++;
    return new Promise<Buffer>((resolve, reject) => {
      thread.worker.postMessage({ id, job }, transfer);
      thread.waiting.set(id, { resolve, reject, bytes: job.length });
      thread.bytes += job.length;
    });
  }

  /**
   * The first thread with little to do: waking another costs more than a short wait, and on a machine with few cores it
   * takes time from the event loop. If all are busy, the one with the least work.
   */
  #choose(): Thread {
    const idle = this.#threads.find(({ bytes }) => bytes < SHORT_WAIT_BYTES);
    if (idle) return idle;
    if (this.#threads.length < this.threads) return this.#startThread();
    return this.#threads.reduce((best, thread) => (thread.bytes < best.bytes ? thread : best));
  }

  #startThread(): Thread {
    const worker = new Worker(this.#worker, { stdin: false });
    const thread: Thread = { worker, waiting: new Map(), bytes: 0 };
    worker.on('message', (reply: DiskReply) => {
      this.#settle(thread, reply);
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

  #settle(thread: Thread, { id, result, memory }: DiskReply): void {
    if (memory) this.#memory.giveBack(memory);
    const entry = thread.waiting.get(id);
    if (!entry) return;
    thread.waiting.delete(id);
    thread.bytes -= entry.bytes;
    if (result.ok) {
      const { buffer, byteOffset, byteLength } = result.hashes;
      entry.resolve(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
    } else {
      entry.reject(Object.assign(new Error(result.message), { code: result.code }));
    }
  }

  /** Small buffers share Node's pool, which cannot be transferred. */
  #ownMemory(data: Buffer): { buffer: ArrayBuffer; byteOffset: number; length: number } {
    const isOwn =
      this.#memory.owns(data) || (data.length >= 8192 && data.buffer.byteLength <= 2 * data.length + 1024);
    const { buffer, byteOffset, length } = isOwn ? data : copyOf(data);
    return { buffer: buffer as ArrayBuffer, byteOffset, length };
  }

  #lose(thread: Thread, error: Error): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    const cause = causeOf(error);
    for (const { reject } of thread.waiting.values()) reject(cause);
    thread.waiting.clear();
  }
}

/**
 * A thread that could not start for lack of descriptors reveals it only in the text; any other error counts as a lost
 * thread.
 */
function causeOf(error: Error): Error {
  const [errno = THREAD_LOST] = /\bE[MN]FILE\b/.exec(error.message) ?? [];
  return Object.assign(new Error(error.message, { cause: error }), { code: errno });
}

function copyOf(data: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(data.length);
  data.copy(copy);
  return copy;
}
