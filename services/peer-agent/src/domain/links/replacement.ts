/** A peer that a download has a link to, or wants one to. */
export interface LinkUse {
  /** The tracker still lists it. */
  readonly listed: boolean;
  /** When its last block arrived. */
  readonly heardMs: number;
}

/** A peer that does not say hello within this time after it was dialed must not keep others waiting. */
const QUIET_MS = 500;
/** While no peer sends anything, one that has left requests unanswered for this long gives its place to another. */
const UNANSWERED_MS = 10_000;

/** A peer of a download, and the state of its link. */
export interface LinkState {
  /** Both sides have said hello. */
  readonly ready: boolean;
  /** It was dialed at least once. One that waits for its turn to be dialed cannot answer. */
  readonly dialed: boolean;
  /** Since when it is ready, or not ready; before its first hello, since it was first dialed, or has its place. */
  readonly sinceMs: number;
  /** Time of the first request since its last answer; undefined if none is open. */
  readonly askedMs: number | undefined;
  /** When its last block arrived. */
  readonly heardMs: number;
}

/** True if the peer does not answer, as far as so short a time shows. */
export function isQuiet({ ready, dialed, sinceMs }: LinkState, nowMs: number): boolean {
  return !ready && dialed && nowMs - sinceMs >= QUIET_MS;
}

/** A peer that has waited this long to be dialed lets another wait in its place, if there is one. */
const TURN_MS = 1000;

/** The links whose peers have waited long for their turn to be dialed, longest first. They have not failed. */
export function findWaiting<Link extends LinkState>(links: Iterable<Link>, nowMs: number): Link[] {
  const waiting = [...links].filter(({ dialed, sinceMs }) => !dialed && nowMs - sinceMs >= TURN_MS);
  return waiting.sort((one, other) => one.sinceMs - other.sinceMs);
}

/**
 * The links that are currently useless, worst first: peers that do not say hello and, while no peer sends anything,
 * peers that leave requests unanswered.
 */
export function findIdle<Link extends LinkState>(links: Iterable<Link>, nowMs: number): Link[] {
  const all = [...links];
  const isStarved = all.every(({ heardMs }) => nowMs - heardMs >= UNANSWERED_MS);
  const idle = all.filter(
    (link) =>
      isQuiet(link, nowMs) || (isStarved && link.ready && nowMs - (link.askedMs ?? nowMs) >= UNANSWERED_MS),
  );
  return idle.sort((one, other) => Number(one.ready) - Number(other.ready) || one.sinceMs - other.sinceMs);
}

/** A link that has given nothing for this long makes room for a waiting peer, sooner or later. */
const USELESS_MS = 30_000;

/** The links that have given nothing for long, worst first: their peers choke us, or have nothing that we need. */
export function findUseless<Link extends LinkState>(links: Iterable<Link>, nowMs: number): Link[] {
  const since = ({ sinceMs, heardMs }: Link): number => Math.max(sinceMs, heardMs);
  const useless = [...links].filter((link) => link.ready && nowMs - since(link) >= USELESS_MS);
  return useless.sort((one, other) => since(one) - since(other));
}

/**
 * The link to give up for a peer of `party`, because another party has at least two more places: of the party with the
 * most, the one that has given nothing for the longest time. Undefined if the places are shared evenly.
 *
 * @param counts places by party
 */
export function findExcess<Link extends LinkState & { readonly party: string }>(
  links: Iterable<Link>,
  party: string,
  counts: ReadonlyMap<string, number>,
): Link | undefined {
  const most = Math.max(...counts.values());
  if (most < (counts.get(party) ?? 0) + 2) return undefined;
  const excess = [...links].filter((link) => counts.get(link.party) === most);
  return excess.sort((one, other) => one.heardMs - other.heardMs || one.sinceMs - other.sinceMs)[0];
}

/** A link that delivered a block within this time works. */
const WORKS_MS = 10_000;

/**
 * The link to give up first for a newly listed peer: its peer is no longer listed, and it delivers nothing. A working
 * link is never cut, since a restarted tracker lists other peers than before. Undefined if there is none.
 */
export function findReplaceable<Link extends LinkUse>(
  links: Iterable<Link>,
  nowMs: number,
): Link | undefined {
  let worst: Link | undefined;
  for (const link of links) {
    if (link.listed || nowMs - link.heardMs < WORKS_MS) continue;
    if (!worst || link.heardMs < worst.heardMs) worst = link;
  }
  return worst;
}
