/** How long a host may say nothing at all at first: one that drops what it does not know never does. */
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * In use and nothing heard for `QUIET_MS`, the server is asked whether it lives, and has `ANSWER_MS` to answer:
 * the same as the keepalive of our clients of grpc-js (`client.ts`).
 */
const QUIET_MS = 4000;
const ANSWER_MS = 3000;
const LIFE_CHECK_MS = 1000;

interface LifeCheckParts {
  /** False while it does not matter whether the server lives. */
  readonly isUsed: () => boolean;
  /** Asks for a sign of life. */
  readonly ask: () => void;
  readonly dead: (reason: string) => void;
}

/** A server that is gone without a word is noticed only by asking. Begins at once. */
export class LifeCheck {
  readonly #startMs = performance.now();
  /** When something came; undefined before the first. */
  #heardMs: number | undefined;
  /** When the server was asked. */
  #askedMs: number | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly parts: LifeCheckParts) {
    this.#timer = setInterval(() => {
      this.#look();
    }, LIFE_CHECK_MS);
  }

  /** Something came. */
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
      if (quietMs >= CONNECT_TIMEOUT_MS) this.#judge(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`);
    } else if (!this.parts.isUsed() || quietMs < QUIET_MS) this.#askedMs = undefined;
    else if (this.#askedMs === undefined) {
      this.#askedMs = nowMs;
      this.parts.ask();
    } else if (nowMs - this.#askedMs >= ANSWER_MS) this.#judge('the peer does not answer any more');
  }

  /** Timers come before input: what has come while this process was held up must be read first. */
  #judge(reason: string): void {
    const heardMs = this.#heardMs;
    setImmediate(() => {
      if (this.#heardMs === heardMs) this.parts.dead(reason);
    });
  }
}
