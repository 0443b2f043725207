import { quotaOf } from '@enjambre/core/address-quota';
import type { BucketOptions } from '@enjambre/core/token-bucket';
import type { Capacity } from './capacity.js';

/** What the peers of one party may use together. */
export interface PartyQuotas {
  readonly sessions: number;
  readonly knownPeers: number;
  /** Peers that the service did not know. */
  readonly newPeers: BucketOptions;
  readonly calls: BucketOptions;
  /** Copies of messages to rooms and to everyone. */
  readonly copies: BucketOptions;
  readonly rooms: number;
  readonly memberships: number;
  readonly membersPerRoom: number;
  /** Its messages in one mailbox, and their bytes. Also the part of one sender, whatever its party. */
  readonly pendingMessages: number;
  readonly pendingBytes: number;
  /** Bytes of the store that its messages take while they wait. */
  readonly storeBytes: number;
}

/** So that the few peers of a small site behind one address can work, whatever the percentage. */
const FLOORS = {
  sessions: 32,
  knownPeers: 64,
  newPeersPerMinute: 30,
  callsPerSecond: 50,
  copiesPerSecond: 50,
  rooms: 16,
  memberships: 256,
  membersPerRoom: 16,
  pendingMessages: 100,
  // Some of the largest messages.
  pendingBytes: 1 << 20,
  storeBytes: 4 << 20,
};
const SECONDS_PER_MINUTE = 60;

/** @param percent part of each limit, as in `--address-budget` */
export function partyQuotas(capacity: Capacity, percent: number): PartyQuotas {
  const quota = (key: keyof typeof FLOORS): number => quotaOf(capacity[key], percent, FLOORS[key]);
  const newPeers = quota('newPeersPerMinute');
  const calls = quota('callsPerSecond');
  return {
    sessions: quota('sessions'),
    knownPeers: quota('knownPeers'),
    newPeers: { perSecond: newPeers / SECONDS_PER_MINUTE, burst: newPeers },
    calls: { perSecond: calls, burst: 2 * calls },
    // One message to all peers is always possible.
    copies: { perSecond: quota('copiesPerSecond'), burst: capacity.knownPeers },
    rooms: quota('rooms'),
    memberships: quota('memberships'),
    membersPerRoom: quota('membersPerRoom'),
    pendingMessages: quota('pendingMessages'),
    pendingBytes: quota('pendingBytes'),
    storeBytes: quota('storeBytes'),
  };
}
