import type { ServerHttp2Stream } from 'node:http2';
import type { Clock } from '@enjambre/common/async/clock';
import type { EnjambreError } from '@enjambre/core/error';
import type { Connection } from './connection.js';
import { refuseStream } from './refusal.js';

/** A call of a client, from its headers to its end. */
export class Arrival {
  readonly #ends = new Set<() => void>();

  /** @param serve hands the call to its handler */
  constructor(
    readonly stream: ServerHttp2Stream,
    readonly connection: Connection,
    readonly serve: () => void,
  ) {
    connection.streams.add(stream);
    stream.once('close', () => {
      connection.streams.delete(stream);
      for (const end of [...this.#ends]) end();
    });
  }

  get party(): string {
    return this.connection.party;
  }

  /** Calls `work` once: when the returned function is called, or when the call has ended. */
  atEnd(work: () => void): () => void {
    const end = (): void => {
      if (this.#ends.delete(end)) work();
    };
    this.#ends.add(end);
    return end;
  }

  /**
   * Ends the call after `ms` with the error that `why` returns, if any. Returns a function that cancels this.
   */
  after(
    clock: Pick<Clock, 'after'>,
    ms: number,
    why: (stream: ServerHttp2Stream) => EnjambreError | undefined,
  ): () => void {
    const timer = clock.after(ms, () => {
      const error = why(this.stream);
      if (error) refuseStream(this.stream, error);
    });
    return this.atEnd(() => {
      timer.cancel();
    });
  }
}
