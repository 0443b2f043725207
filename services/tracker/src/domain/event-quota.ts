import { quotaOf } from '@enjambre/core/address-quota';
import { KeyedBuckets } from '@enjambre/core/keyed-buckets';
import type { TrackerEvent } from './events.js';
import type { PeerInfo } from './peer.js';

/**
 * Events of all parties together. Each is stored, sent to watchers and written to the log: 200 bytes a line. A start with
 * 2,000 new files takes a party's savings; the rest is told as a number.
 */
const PER_SECOND = 1000;
const BURST = 40_000;

interface LeftOut {
  /** The last peer whose event was left out. */
  peer: PeerInfo;
  events: number;
  /** Milliseconds since 1970, of the first one. */
  readonly since: number;
}

/** Leaves out events of parties that cause too many, and counts them. Their effect on swarms remains. */
export class EventQuota {
  readonly #buckets: KeyedBuckets;
  readonly #leftOut = new Map<string, LeftOut>();

  /** @param percent what one party may use of the rate of all */
  constructor(percent: number) {
    this.#buckets = new KeyedBuckets({
      perSecond: quotaOf(PER_SECOND, percent, 1),
      burst: quotaOf(BURST, percent, 1),
    });
  }

  /** False if the event must not be published. @param now milliseconds since 1970 */
  admit(party: string, { peer }: TrackerEvent, now: number): boolean {
    if (this.#buckets.take(party, now) === 0) return true;
    const leftOut = this.#leftOut.get(party);
    if (!leftOut) this.#leftOut.set(party, { peer, events: 1, since: now });
    else Object.assign(leftOut, { peer, events: leftOut.events + 1 });
    return false;
  }

  /** One event for each party with events left out since the last call; they are not counted again. */
  summaries(now: number): { readonly party: string; readonly event: TrackerEvent }[] {
    const summaries = [...this.#leftOut].map(([party, { peer, events, since }]) => {
      const seconds = Math.max(1, Math.round((now - since) / 1000));
      return { party, event: { type: 'peer.throttled', peer, events, seconds } as const };
    });
    this.#leftOut.clear();
    return summaries;
  }
}
