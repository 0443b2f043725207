import type { InfoHash } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Failure, Membership, MembershipEvent, TrackerPort } from '../ports/tracker.js';

export interface PresenceComponents {
  readonly tracker: TrackerPort;
  /** Called after byte counts were announced: the record is saved soon. */
  readonly counted: () => void;
}

/** A transfer's membership of its swarm, as announced to the tracker. */
export class Presence {
  readonly #infohash: InfoHash;
  /** True if not in the swarm: a seeder that returns announces `shared`. */
  #away: boolean;

  constructor(
    private readonly parts: PresenceComponents,
    { infohash, goal }: Pick<TransferRecord, 'infohash' | 'goal'>,
    /** The current membership. */
    private readonly membership: () => Membership,
  ) {
    this.#infohash = infohash;
    this.#away = goal !== 'run';
  }

  /** Announces a download. Its completion is then announced as such, not as `shared`. */
  downloads(event: MembershipEvent): void {
    this.#away = false;
    this.#announce(event);
  }

  /** Announces that the content is offered; one that lacks files that are not selected is no seeder. */
  offers(event: MembershipEvent): void {
    const isWhole = this.membership().leftBytes === 0;
    this.#announce(isWhole && this.#away && event === 'update' ? 'shared' : event);
    this.#away = false;
  }

  /** Repeats the membership, or only its byte counts. */
  tell(event: 'update' | 'numbers'): void {
    this.#announce(event);
    if (event === 'numbers') this.parts.counted();
  }

  /** Leaves the swarm; announces why if it is an unfinished download. */
  leave(event: 'paused' | 'finished' | 'failed', failure?: Failure): void {
    const membership = this.membership();
    if (event !== 'finished' && !membership.origin && membership.leftBytes > 0)
      this.parts.tracker.announce(membership, event, failure);
    this.withdraw();
  }

  withdraw(): void {
    this.#away = true;
    this.parts.tracker.withdraw(this.#infohash);
  }

  #announce(event: MembershipEvent): void {
    this.parts.tracker.announce(this.membership(), event);
  }
}
