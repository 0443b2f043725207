import { constants } from 'node:http2';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Clock, Timer } from '@enjambre/common/async/clock';
import { EnjambreError } from '@enjambre/core/error';
import { streamOf } from './gate/grpc-internals.js';

/** Messages on their way: one is being sent while the next is made. */
const MAX_UNSENT = 2;
/** Time in which a reader must take a message; one has at most a few hundred KiB. */
export const SLOW_READER_MS = 30_000;

/** The reader of a server stream: has few unread messages, and may not keep them for long. */
export class StreamReader<Response> {
  #unsent = 0;
  #timer: Timer | undefined;
  #isSlow = false;
  #taken: () => void = () => undefined;

  constructor(
    private readonly call: ServerWritableStream<unknown, Response>,
    private readonly clock: Pick<Clock, 'after'>,
  ) {
    call.on('close', () => this.#over());
  }

  /** Resolves when the next message may be sent, or when `signal` aborts. Throws `timeout`, SLOW_READER. */
  async send(message: Response, signal: AbortSignal): Promise<void> {
    this.#unsent += 1;
    if (this.#unsent === 1) this.#watch();
    this.call.write(message, () => {
      this.#unsent -= 1;
      this.#watch();
      this.#taken();
    });
    while (this.#unsent >= MAX_UNSENT && !signal.aborted && !this.#isSlow) await this.#next(signal);
    if (this.#isSlow) throw slowReader();
  }

  /** Resolves when a message was taken, or when none ever will be. */
  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#taken = done;
      signal.addEventListener('abort', done);
    });
  }

  /** Starts the time for the message that is being sent. */
  #watch(): void {
    this.#timer?.cancel();
    if (this.#unsent === 0) return;
    this.#timer = this.clock.after(SLOW_READER_MS, () => {
      this.#isSlow = true;
      this.#taken();
      // The status would wait for the reader as well; gRPC reports this code as RESOURCE_EXHAUSTED.
      streamOf(this.call)?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
  }

  #over(): void {
    this.#timer?.cancel();
    this.#taken();
  }
}

function slowReader(): EnjambreError {
  const message = 'messages were not read in time: read them faster';
  return new EnjambreError('timeout', 'SLOW_READER', message);
}
