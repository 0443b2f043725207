import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import { networkOf } from '@enjambre/core/network-of';
import type { CallContext } from '@enjambre/rpc/handlers';

/** A call without the right token is refused this much later. */
const REFUSAL_MS = 1000;
/** Calls that wait to be refused; further ones are refused at once. */
const MAX_WAITING = 100;
/** Refusals are logged at most this often, together. */
const LOG_MS = 10_000;

export interface TokenCheckComponents {
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
  readonly log: Logger;
}

/** Accepts calls that carry "authorization: Bearer TOKEN"; refuses others slowly, and logs where they come from. */
export class TokenCheck {
  readonly #expected: Buffer;
  #waiting = 0;
  #refused = 0;
  #loggedMs = -Infinity;

  constructor(
    private readonly parts: TokenCheckComponents,
    token: string,
  ) {
    this.#expected = digestOf(`Bearer ${token}`);
  }

  /** Throws `unauthenticated` BAD_TOKEN. */
  readonly authorize = ({ metadata, peer, signal }: CallContext): Promise<void> | undefined => {
    // Compared in constant time.
    if (
      metadata.get('authorization').some((given) => timingSafeEqual(digestOf(String(given)), this.#expected))
    )
      return undefined;
    return this.#refuse(peer, signal);
  };

  async #refuse(peer: string, signal: AbortSignal): Promise<never> {
    this.#log(peer);
    if (this.#waiting < MAX_WAITING) {
      this.#waiting += 1;
      await this.parts.clock.sleep(REFUSAL_MS, signal);
      this.#waiting -= 1;
    }
    throw new EnjambreError(
      'unauthenticated',
      'BAD_TOKEN',
      "control over TCP requires the token from control.token in the agent's data folder",
    );
  }

  #log(peer: string): void {
    this.#refused += 1;
    const nowMs = this.parts.clock.nowMs();
    if (nowMs - this.#loggedMs < LOG_MS) return;
    const calls = this.#refused === 1 ? 'a control call' : `${this.#refused} control calls`;
    this.parts.log.warn({ address: networkOf(peer) }, `refused ${calls} without the right token`);
    this.#loggedMs = nowMs;
    this.#refused = 0;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
