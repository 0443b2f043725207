/** A peer that a download has a link to, or wants one to. */
export interface LinkUse {
  /** The tracker still names it. */
  readonly listed: boolean;
  /** When its last block came. */
  readonly heardMs: number;
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
