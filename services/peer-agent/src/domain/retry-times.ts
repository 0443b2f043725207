import { doubled, jittered, retryWaitMs } from '@enjambre/core/backoff';
import type { PeerId } from '@enjambre/core/ids';
import type { Random } from './random.js';

/** Delay before a failed peer is asked again, doubled with each failure. */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** The same for a peer that sent a false answer for the first time: a bit may have flipped on the way. */
const FIRST_FALSE_RETRY_MS = 1000;
/** The same for a peer that did so again: verifying false answers is expensive. */
const FALSE_RETRY_MS = 60_000;
const MAX_FALSE_RETRY_MS = 60 * 60_000;
/** How long a peer may be silent while others wait to be asked in its place, doubled with each failure. */
const SILENT_MS = 500;
const MAX_SILENT_MS = 8000;
/** Peers remembered: a tracker lists up to 200 at a time. */
const MAX_REMEMBERED = 1000;

export type Failure = 'silent or refused' | 'false';

interface Failures {
  count: number;
  false: number;
  notBeforeMs: number;
}

/**
 * When to ask failed peers again, and how much time each then has. A peer that disappears and is listed again keeps its
 * failures.
 */
export class RetryTimes {
  readonly #failures = new Map<PeerId, Failures>();

  constructor(private readonly random: Random) {}

  countOf(peer: PeerId): number {
    return this.#failures.get(peer)?.count ?? 0;
  }

  /** `peer` must not be asked before this time. */
  notBeforeMs(peer: PeerId): number {
    return this.#failures.get(peer)?.notBeforeMs ?? -Infinity;
  }

  /** How long `peer` may be silent: a slow one among many silent ones gets more time with each turn. */
  silentMs(peer: PeerId): number {
    return doubled(SILENT_MS, this.countOf(peer), MAX_SILENT_MS);
  }

  /** @param retryAfterMs the peer asks not to be asked again for this time */
  failed(peer: PeerId, nowMs: number, failure: Failure, retryAfterMs?: number): void {
    const before = this.#failures.get(peer) ?? { count: 0, false: 0, notBeforeMs: -Infinity };
    const waitMs =
      failure === 'false' ? falseRetryMs(before.false) : doubled(RETRY_MS, before.count, MAX_RETRY_MS);
    this.#failures.delete(peer);
    this.#failures.set(peer, {
      count: before.count + 1,
      false: before.false + Number(failure === 'false'),
      notBeforeMs: nowMs + retryWaitMs(jittered(waitMs, this.random), retryAfterMs, this.random),
    });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_REMEMBERED && oldest !== undefined) this.#failures.delete(oldest);
  }
}

/** @param before false answers so far */
function falseRetryMs(before: number): number {
  return before === 0 ? FIRST_FALSE_RETRY_MS : doubled(FALSE_RETRY_MS, before - 1, MAX_FALSE_RETRY_MS);
}
