import { HERE, type Reach } from './peer.js';

/** Peers in one group are reachable from the same locations. */
export type ReachGroup = string;

/** A location from which a peer reaches others. */
export interface Standpoint {
  /** Its host, as {@link Reach.host} names it. */
  readonly host: string;
  /**
   * The kind of address at which it reaches the tracker's host; undefined if that address does not lead to
   * other peers there.
   */
  readonly trackerAt?: 'ipv4' | 'ipv6' | undefined;
}

/** Peers that are reachable from everywhere. */
export const OPEN: ReachGroup = 'open';
const NOWHERE: ReachGroup = 'nowhere';
const AT_TRACKER: ReachGroup = 'at the tracker';
const AT_TRACKER_IPV4: ReachGroup = 'at the tracker, IPv4 only';

export function groupOf({ elsewhere, ownHost, host, ports }: Reach): ReachGroup {
  if (elsewhere.length > 0) return OPEN;
  if (ports.length === 0) return ownHost.length > 0 ? on(host) : NOWHERE;
  return ports.every(({ onlyIpv4 }) => onlyIpv4) ? AT_TRACKER_IPV4 : AT_TRACKER;
}

/** The groups reachable from a location, including its own. */
export function groupsReachedFrom({ host, trackerAt }: Standpoint): ReachGroup[] {
  const groups = [OPEN, on(host)];
  if (host === HERE || trackerAt !== undefined) groups.push(AT_TRACKER);
  if (host === HERE || trackerAt === 'ipv4') groups.push(AT_TRACKER_IPV4);
  return groups;
}

function on(host: string): ReachGroup {
  return `on ${host}`;
}
