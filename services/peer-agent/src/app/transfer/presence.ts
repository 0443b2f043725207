import type { InfoHash } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Membership, MembershipEvent, TrackerPort } from '../ports/tracker.js';

export interface PresenceComponents {
  readonly tracker: TrackerPort;
  /** Called when numbers are told: the record should have them some time. */
  readonly counted: () => void;
}

/** A transfer's place in its swarm, as the tracker is told of it. */
export class Presence {
  readonly #infohash: InfoHash;
  /** It left the swarm: that it offers something again is news. */
  #away: boolean;

  constructor(
    private readonly parts: PresenceComponents,
    { infohash, goal }: Pick<TransferRecord, 'infohash' | 'goal'>,
    /** How it stands now. */
    private readonly membership: () => Membership,
  ) {
    this.#infohash = infohash;
    this.#away = goal !== 'run';
  }

  /** It downloads: what it offers next is told as a completion. */
  downloads(event: MembershipEvent): void {
    this.#away = false;
    this.#announce(event);
  }

  /** It offers all of the content. */
  offers(event: MembershipEvent): void {
    this.#announce(this.#away && event === 'update' ? 'shared' : event);
    this.#away = false;
  }

  /** Tells how it stands, without news. */
  tell(event: 'update' | 'numbers'): void {
    this.#announce(event);
    if (event === 'numbers') this.parts.counted();
  }

  /** Leaves the swarm, and tells why if it is a download that did not come to its end. */
  leave(event: 'paused' | 'failed', reason?: string): void {
    const membership = this.membership();
    if (!membership.origin && membership.bytesLeft > 0)
      this.parts.tracker.announce(membership, event, reason);
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
