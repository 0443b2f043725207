import { EnjambreError } from '@enjambre/core/error';
import { quotasOf, type Capacity, type Resources } from './capacity.js';
import type { Session } from './swarm.js';

type Resource = keyof Resources;
type Counted = Pick<Session, 'party' | 'isLocal'>;
type Used = { -readonly [Name in Resource]: number };

/** The reason and the noun of each refusal. */
const REFUSALS: Readonly<Record<Resource, readonly [reason: string, what: string]>> = {
  sessions: ['TOO_MANY_PEERS', 'connected peers'],
  swarms: ['TOO_MANY_SWARMS', 'swarms'],
  memberships: ['TOO_MANY_SWARMS', 'memberships in swarms'],
  places: ['TOO_MANY_WATCHES', 'places for peers in watches'],
};

/** How long to wait before another attempt: room appears when other peers leave. */
const RETRY_AFTER_MS = 30_000;

/**
 * What the sessions use in all, and those of each party together: the peers behind one address, which a stranger cannot
 * multiply at will. A new use beyond a limit is refused, and nothing that is used is taken back. Sessions of other
 * trackers were admitted there: they count, but only against the limits in all.
 */
export class Budgets {
  readonly #limits: Resources;
  readonly #quotas: Resources;
  readonly #total: Used = unused();
  readonly #parties = new Map<string, Used>();

  /** @param percent what one party may use of each limit */
  constructor(capacity: Capacity, percent: number) {
    this.#limits = capacity;
    this.#quotas = quotasOf(capacity, percent);
  }

  /** What a party uses now. */
  usedBy(party: string): Resources {
    return this.#parties.get(party) ?? unused();
  }

  /** Number of parties that use anything. */
  get parties(): number {
    return this.#parties.size;
  }

  /** Throws `exhausted` TOO_MANY_SWARMS or TOO_MANY_WATCHES if the session may not use `more`. */
  check({ party, isLocal }: Counted, resource: Resource, more = 1): void {
    this.#checkTotal(resource, more);
    if (isLocal) this.#checkParty(party, resource, more);
  }

  /** Throws `exhausted` TOO_MANY_PEERS if there is no room for the session. @param previous is replaced by it */
  checkSession({ party, isLocal }: Counted, previous: Counted | undefined): void {
    if (!previous) this.#checkTotal('sessions', 1);
    if (isLocal && previous?.party !== party) this.#checkParty(party, 'sessions', 1);
  }

  #checkTotal(resource: Resource, more: number): void {
    refuseBeyond(resource, this.#total[resource] + more, this.#limits[resource], 'in all');
  }

  #checkParty(party: string, resource: Resource, more: number): void {
    if (party === '') return;
    const wanted = this.usedBy(party)[resource] + more;
    refuseBeyond(resource, wanted, this.#quotas[resource], 'for the peers of one address');
  }

  /** Call it for what the session uses from now on, or no longer if `more` is negative. */
  count({ party }: Counted, resource: Resource, more: number): void {
    this.#total[resource] += more;
    if (party === '') return;
    const used = this.#parties.get(party) ?? unused();
    used[resource] += more;
    if (more < 0 && Object.values(used).every((amount) => amount === 0)) this.#parties.delete(party);
    else this.#parties.set(party, used);
  }
}

function unused(): Used {
  return { sessions: 0, swarms: 0, memberships: 0, places: 0 };
}

function refuseBeyond(resource: Resource, wanted: number, limit: number, scope: string): void {
  if (wanted <= limit) return;
  const [reason, what] = REFUSALS[resource];
  const message = `the tracker has room for ${limit} ${what} ${scope}: try again later, or give it more with its address budget`;
  throw new EnjambreError('exhausted', reason, message, { retryAfterMs: RETRY_AFTER_MS });
}
