import type { InfoHash } from '@enjambre/core/ids';

/** Versions kept of one name and publisher; the oldest are dropped first. */
export const MAX_VERSIONS = 16;

/** One version of a name: content that its publisher shared under it. */
export interface Version {
  readonly infohash: InfoHash;
  /** From 1; higher for each content that the publisher shares. */
  readonly version: number;
  /** When a tracker received it, in milliseconds since 1970. */
  readonly at: number;
}

/** The versions of one name and publisher, oldest first: no two have one infohash, number or time. */
export type Versions = readonly Version[];

export function versionOf(versions: Versions, infohash: InfoHash): Version | undefined {
  return versions.find((version) => version.infohash === infohash);
}

/**
 * Makes content the newest version. Content that was an older one gets a new number and is listed once: a publisher that
 * switches between two versions drops no other.
 */
export function withNewest(versions: Versions, infohash: InfoHash, now: number): Versions {
  const newest = versions.at(-1);
  if (newest?.infohash === infohash) return versions;
  const next = { infohash, version: (newest?.version ?? 0) + 1, at: Math.max(now, (newest?.at ?? -1) + 1) };
  return [...versions.filter((version) => version.infohash !== infohash), next].slice(-MAX_VERSIONS);
}

/**
 * Merges what two trackers know of one name and publisher: all versions in the order of their times. Of two entries for
 * one infohash the later counts. Numbers that two trackers gave at once are raised. The order of the arguments does not
 * matter.
 */
export function mergeVersions(one: Versions, other: Versions): Versions {
  const latest = new Map<InfoHash, Version>();
  for (const version of [...one, ...other]) {
    const present = latest.get(version.infohash);
    if (!present || isLater(version, present)) latest.set(version.infohash, version);
  }
  const ordered = [...latest.values()].sort((a, b) => (isLater(a, b) ? 1 : -1));
  let [number, at] = [0, -1];
  const numbered = ordered.map((version) => {
    number = Math.max(version.version, number + 1);
    at = Math.max(version.at, at + 1);
    return { infohash: version.infohash, version: number, at };
  });
  return numbered.slice(-MAX_VERSIONS);
}

export function sameVersions(one: Versions, other: Versions): boolean {
  return (
    one.length === other.length &&
    one.every(({ infohash, version, at }, index) => {
      const its = other[index];
      return its?.infohash === infohash && its.version === version && its.at === at;
    })
  );
}

function isLater(one: Version, other: Version): boolean {
  if (one.at !== other.at) return one.at > other.at;
  if (one.version !== other.version) return one.version > other.version;
  return one.infohash > other.infohash;
}
