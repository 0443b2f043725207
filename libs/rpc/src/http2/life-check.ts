import { formatDuration } from '@enjambre/core/format-duration';

/** Time limit for the first bytes: a host that drops unknown packets never sends any. */
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * In use, after `QUIET_MS` without bytes, the server is pinged and has `ANSWER_MS` to answer: the same values
 * as the keepalive of our grpc-js clients (`client.ts`).
 */
const QUIET_MS = 4000;
const ANSWER_MS = 3000;
const LIFE_CHECK_MS = 1000;

interface LifeCheckParts {
  /** False while the connection is unused: then a dead server does not matter. */
  readonly isUsed: () => boolean;
  /** Sends a ping. */
  readonly ask: () => void;
  readonly dead: (reason: string) => void;
}

/** Detects a server that has disappeared silently. Starts at once. */
export class LifeCheck {
  readonly #startMs = performance.now();
  /** Time of the last bytes; undefined before the first. */
  #heardMs: number | undefined;
  /** Time of the pending ping. */
  #askedMs: number | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly parts: LifeCheckParts) {
    this.#timer = setInterval(() => {
      this.#look();
    }, LIFE_CHECK_MS);
  }

  /** Records that bytes have arrived. */
  heard(): void {
    this.#heardMs = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    const quietMs = nowMs - (this.#heardMs ?? this.#startMs);
    if (this.#heardMs === undefined) {
      if (quietMs >= CONNECT_TIMEOUT_MS)
        this.#judge(`no answer within ${formatDuration(CONNECT_TIMEOUT_MS)}`);
    } else if (!this.parts.isUsed() || quietMs < QUIET_MS) this.#askedMs = undefined;
    else if (this.#askedMs === undefined) {
      this.#askedMs = nowMs;
      this.parts.ask();
    } else if (nowMs - this.#askedMs >= ANSWER_MS) this.#judge('the peer no longer answers');
  }

  /** Timers run before input: after a stall of this process, bytes that have arrived must be read first. */
  #judge(reason: string): void {
    const heardMs = this.#heardMs;
    setImmediate(() => {
      if (this.#heardMs === heardMs) this.parts.dead(reason);
    });
  }
}
