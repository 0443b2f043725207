import { quotaOf } from '@enjambre/core/address-quota';
import { TokenBucket } from '@enjambre/core/token-bucket';
import { BURST_SECONDS, LEAST_QUOTA, type ServerLimits } from './limits.js';

/** What is counted while it is held. */
export type Resource = 'connections' | 'streams' | 'calls' | 'watches' | 'greetings';
/** What is counted per second. */
export type Rate = 'connectionsPerSecond' | 'callsPerSecond' | 'refusalsPerSecond';

/** Whose limit is reached: that of the party, or that of all. */
export type Exhausted = 'party' | 'all';

interface Party {
  readonly held: Record<Resource, number>;
  readonly rates: Map<Rate, TokenBucket>;
}

/** Counts what each party uses of the limits of a server. */
export class Budgets {
  readonly #limits: ServerLimits;
  readonly #percent: number;
  readonly #parties = new Map<string, Party>();
  readonly #held: Record<Resource, number> = noneHeld();

  /** @param percent of each limit that one party may use */
  constructor(limits: ServerLimits, percent: number) {
    this.#limits = limits;
    this.#percent = percent;
  }

  /** What one party may hold, or do in a second. */
  quota(of: Resource | Rate): number {
    return quotaOf(this.#limits[of], this.#percent, LEAST_QUOTA[of]);
  }

  /** Parties that are remembered. */
  get parties(): number {
    return this.#parties.size;
  }

  /** What all parties hold together. */
  held(resource: Resource): number {
    return this.#held[resource];
  }

  /** True if the limit of all is reached. */
  isFull(resource: Resource): boolean {
    return this.#held[resource] >= this.#limits[resource];
  }

  /** Counts one more, or returns the limit that is reached. */
  take(party: string, resource: Resource): Exhausted | undefined {
    const { held } = this.#party(party);
    if (held[resource] >= this.quota(resource)) return 'party';
    if (this.isFull(resource)) return 'all';
    held[resource] += 1;
    this.#held[resource] += 1;
    return undefined;
  }

  giveBack(party: string, resource: Resource): void {
    this.#party(party).held[resource] -= 1;
    this.#held[resource] -= 1;
  }

  /**
   * Counts one more in this second and returns 0, or returns the milliseconds until the next is possible.
   *
   * @param now whole milliseconds
   */
  spend(party: string, rate: Rate, now: number): number {
    const { rates } = this.#party(party);
    let bucket = rates.get(rate);
    if (!bucket) {
      const perSecond = this.quota(rate);
      bucket = new TokenBucket({ perSecond, burst: perSecond * BURST_SECONDS }, now);
      rates.set(rate, bucket);
    }
    return bucket.take(now);
  }

  /** Forgets the parties that hold nothing and have done nothing lately. */
  prune(now: number): void {
    for (const [name, { held, rates }] of this.#parties) {
      const idle = Object.values(held).every((count) => count === 0);
      if (idle && [...rates.values()].every((bucket) => bucket.isFull(now))) this.#parties.delete(name);
    }
  }

  #party(name: string): Party {
    let party = this.#parties.get(name);
    if (!party) this.#parties.set(name, (party = { held: noneHeld(), rates: new Map() }));
    return party;
  }
}

function noneHeld(): Record<Resource, number> {
  return { connections: 0, streams: 0, calls: 0, watches: 0, greetings: 0 };
}
