import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { EnjambreError } from '@enjambre/core/error';
import { TokenBucket } from '@enjambre/core/token-bucket';
import type { Client } from '../credentials.js';
import { BURST_SECONDS, CONTROL_FRAMES_PER_SECOND, OFFENCES_PER_SECOND } from './limits.js';
import { goawayText } from './refusal.js';

/** What ends a connection if a client does it too often. */
export type Conduct = 'offence' | 'control';

const PER_SECOND: Readonly<Record<Conduct, number>> = {
  offence: OFFENCES_PER_SECOND,
  control: CONTROL_FRAMES_PER_SECOND,
};

/** Time for the statuses of refused calls. */
const STATUS_MS = 20;
/** Time for the last frames of a connection. */
const LAST_WORDS_MS = 200;

/** A connection of a client. */
export class Connection {
  /** True once it has opened a stream. */
  used = false;
  /** True once the server ends it: it opens no more streams. */
  ended = false;
  /** Known after the handshake. */
  session: ServerHttp2Session | undefined;
  /** Who the client is; undefined without TLS. */
  client: Client | undefined;
  /** Its open calls. */
  readonly streams = new Set<ServerHttp2Stream>();
  readonly #conduct = new Map<Conduct, TokenBucket>();

  constructor(
    readonly party: string,
    readonly socket: Socket,
    readonly sinceMs: number,
  ) {}

  /** Counts one more; false if that is too much. */
  mayStill(conduct: Conduct, nowMs: number): boolean {
    let bucket = this.#conduct.get(conduct);
    if (!bucket) {
      const perSecond = PER_SECOND[conduct];
      bucket = new TokenBucket({ perSecond, burst: perSecond * BURST_SECONDS }, nowMs);
      this.#conduct.set(conduct, bucket);
    }
    return bucket.take(nowMs) === 0;
  }

  /**
   * Tells the client why, and ends the connection.
   *
   * @param afterStatus true if a call was refused: a GOAWAY before its status would hide it from the client
   */
  end(error: EnjambreError, afterStatus: boolean): void {
    if (this.ended) return;
    this.ended = true;
    const { session, socket } = this;
    if (!session || session.destroyed) return void socket.destroy();
    const goaway = (): void => {
      if (session.destroyed) return;
      // From here on nghttp2 ignores new streams.
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, undefined, Buffer.from(goawayText(error)));
    };
    if (!afterStatus) goaway();
    const timers = [
      setTimeout(() => {
        if (afterStatus) goaway();
      }, STATUS_MS),
      setTimeout(() => {
        session.destroy();
        socket.destroy();
      }, LAST_WORDS_MS),
    ];
    socket.once('close', () => {
      for (const timer of timers) clearTimeout(timer);
    });
  }
}
