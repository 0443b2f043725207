import { errnoOf, systemErrorText } from '../system-error.js';

/** Destination of log lines. */
export interface Sink {
  /**
   * Writes bytes without blocking. `done` receives the number of bytes taken, 0 if there is currently no
   * room, or an error; it may be called before this returns. One call at a time.
   */
  write(bytes: Buffer, done: (error: unknown, taken: number) => void): void;
  /** The same at process exit, when waiting is impossible: returns the number of bytes taken. */
  writeNow(bytes: Buffer): number;
  /** Milliseconds that process exit waits for it. */
  readonly endTimeoutMs: number;
  /**
   * Gives up a pending {@link write}. False if that is impossible: then only `endHeldProcess` can end the
   * process.
   */
  abandon(): boolean;
}

/** Formats the notice of lost lines as a line of the log's own format. */
export type LossNotice = (lines: number, why: string) => string;

export interface BoundedLogOptions {
  /** Limit of bytes waiting for the reader. @default 4 MiB */
  readonly maxBytes?: number;
  /** Milliseconds before a full pipe is tried again. @default 20 */
  readonly fullRetryMs?: number;
  /** Milliseconds to wait after an error, such as a full disk. @default 1000 */
  readonly errorRetryMs?: number;
}

interface Line {
  readonly text: string;
  readonly bytes: number;
  /** Number of lost lines that remain unreported if this line is lost: a notice covers several. */
  readonly stands: number;
  /** True for a notice: the lines that it covers have been counted before. */
  readonly isNotice: boolean;
}

interface Batch {
  readonly lines: readonly Line[];
  readonly bytes: Buffer;
  taken: number;
}

const BATCH_BYTES = 64 << 10;
const END_POLL_MS = 5;

/**
 * Queue of lines for a reader that may be slow, stopped or gone, or for a disk that may be full. The writer
 * never waits and never fails: lines without room are dropped and counted. When there is room again, one line
 * reports their number and the reason.
 */
export class BoundedLog {
  readonly #queue: Line[] = [];
  /** Bytes in the queue. */
  #bytes = 0;
  #batch: Batch | undefined;
  /** The rest of a line whose beginning was written before an error. */
  #torn: Buffer | undefined;
  #busy = false;
  #pumping = false;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;
  #dropped = 0;
  /** Dropped and not yet reported. */
  #untold = 0;
  #why = '';
  readonly #options: Required<BoundedLogOptions>;
  /** Formats the notice of a loss. */
  notice: LossNotice = (lines, why) => `${lines} log lines were dropped: ${why}\n`;

  constructor(
    private readonly sink: Sink,
    { maxBytes = 4 << 20, fullRetryMs = 20, errorRetryMs = 1000 }: BoundedLogOptions = {},
  ) {
    this.#options = { maxBytes, fullRetryMs, errorRetryMs };
  }

  /** Number of lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True while lines are waiting or being written. */
  get isPending(): boolean {
    return this.#busy || this.#batch !== undefined || this.#queue.length > 0 || this.#torn !== undefined;
  }

  /** Adds one or more whole lines. */
  write(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#isOver || this.#bytes + bytes > this.#options.maxBytes) {
      this.#isOver = true;
      this.#lose(1, 'the reader is too slow');
    } else this.#push({ text, bytes, stands: 1, isNotice: false });
    this.#pump();
  }

  /**
   * Resolves when all lines are written, or cannot be, or the sink's timeout has passed: call it at process
   * exit.
   */
  async end(): Promise<void> {
    const endMs = performance.now() + this.sink.endTimeoutMs;
    this.#tryAgain();
    while (this.isPending && performance.now() < endMs) {
      // It has just failed, and would fail again.
      if (this.#retry && this.#why !== '' && this.#batch === undefined) return;
      await new Promise((resolve) => setTimeout(resolve, END_POLL_MS));
    }
  }

  /** Gives up a pending write. False if that is impossible: see {@link Sink.abandon}. */
  abandon(): boolean {
    return !this.#busy || this.sink.abandon();
  }

  /** Last step of process exit: writes what can be written without waiting. */
  endNow(): void {
    const waiting = this.#busy ? [] : [this.#torn, this.#batch?.bytes.subarray(this.#batch.taken)];
    const lines = this.#queue.splice(0).map(({ text }) => text);
    const bytes = Buffer.concat([
      ...waiting.filter((part) => part !== undefined),
      Buffer.from(lines.join('')),
    ]);
    if (bytes.length > 0) this.sink.writeNow(bytes);
    this.#bytes = 0;
    this.#batch = undefined;
    this.#torn = undefined;
  }

  #push(line: Line): void {
    this.#queue.push(line);
    this.#bytes += line.bytes;
  }

  #lose(lines: number, why: string): void {
    this.#dropped += lines;
    this.#untold += lines;
    this.#why = why;
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#busy && !this.#retry) {
      const batch = (this.#batch ??= this.#nextBatch());
      if (!batch) break;
      this.#busy = true;
      this.sink.write(batch.bytes.subarray(batch.taken), (error, taken) => this.#wrote(batch, error, taken));
    }
    this.#pumping = false;
  }

  #wrote(batch: Batch, error: unknown, taken: number): void {
    this.#busy = false;
    batch.taken += taken;
    if (batch.taken >= batch.bytes.length) this.#batch = undefined;
    else if (error) this.#failed(batch, error);
    else if (taken === 0) this.#waitFor(this.#options.fullRetryMs);
    this.#pump();
  }

  /**
   * Drops the queued lines, which would be outdated by the time of the retry, but keeps the rest of a line
   * that has begun.
   */
  #failed(batch: Batch, error: unknown): void {
    let end = batch.bytes.length - batch.lines.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#torn = batch.taken < end ? batch.bytes.subarray(batch.taken, end) : undefined;
    this.#batch = undefined;
    const why = errnoOf(error) === 'EPIPE' ? 'the reader is gone' : systemErrorText(error);
    for (const line of batch.lines) {
      const begin = end;
      end += line.bytes;
      if (batch.taken <= begin) this.#giveUp(line, why);
      else if (batch.taken < end) this.#torn = batch.bytes.subarray(batch.taken, end);
    }
    for (const line of this.#queue.splice(0)) this.#giveUp(line, why);
    this.#bytes = 0;
    this.#isOver = false;
    this.#waitFor(this.#options.errorRetryMs);
  }

  #giveUp({ stands, isNotice }: Line, why: string): void {
    if (isNotice) this.#untold += stands;
    else this.#lose(stands, why);
  }

  #waitFor(ms: number): void {
    this.#retry = setTimeout(() => this.#tryAgain(), ms);
    this.#retry.unref();
  }

  #nextBatch(): Batch | undefined {
    this.#tellLoss();
    const torn = this.#torn;
    if (this.#queue.length === 0 && !torn) return undefined;
    this.#torn = undefined;
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && (count === 0 || bytes < BATCH_BYTES)) {
      bytes += this.#queue[count]?.bytes ?? 0;
      count += 1;
    }
    const lines = this.#queue.splice(0, count);
    this.#bytes -= bytes;
    const text = Buffer.from(lines.map((line) => line.text).join(''));
    return { lines, bytes: torn ? Buffer.concat([torn, text]) : text, taken: 0 };
  }

  /** After an error the gap is before all waiting lines; after an overflow, behind them. */
  #tellLoss(): void {
    if (this.#untold === 0 || (this.#isOver && this.#bytes > this.#options.maxBytes / 2)) return;
    const text = this.notice(this.#untold, this.#why);
    const notice = { text, bytes: Buffer.byteLength(text), stands: this.#untold, isNotice: true };
    if (this.#isOver) this.#queue.push(notice);
    else this.#queue.unshift(notice);
    this.#bytes += notice.bytes;
    this.#untold = 0;
    this.#isOver = false;
  }
}
