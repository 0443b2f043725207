/** A peer that a download has a link to, or wants one to. */
export interface LinkUse {
  /** The tracker still names it. */
  readonly listed: boolean;
  /** When its last block came. */
  readonly heardMs: number;
}

/** Who does not say hello within this is no reason to wait for it. */
const QUIET_MS = 500;
/** While no peer sends anything, one that was asked so long ago and sent nothing gives its place to another. */
const UNANSWERED_MS = 10_000;

/** A peer that a download deals with, and how that goes. */
export interface LinkState {
  /** Both said hello. */
  readonly ready: boolean;
  /** Since when it is ready, or is not. */
  readonly sinceMs: number;
  /** When it was first asked for a block since it last answered; undefined if it has answered. */
  readonly askedMs: number | undefined;
  /** When its last block came. */
  readonly heardMs: number;
}

/** True if it does not answer, as far as can be told after so short a time. */
export function isQuiet({ ready, sinceMs }: LinkState, nowMs: number): boolean {
  return !ready && nowMs - sinceMs >= QUIET_MS;
}

/**
 * Those of `links` that are of no use for now, the worst first: peers that do not say hello; while nothing comes from anybody, also
 * those that leave requests unanswered.
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

/** A link that brought a block so lately works. */
const WORKS_MS = 10_000;

/**
 * The one of `links` that is given up first for a peer that the tracker names: one that it has taken back, and that gives nothing.
 * What works is never cut, since a tracker that was restarted names others than before. Undefined if there is none.
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
