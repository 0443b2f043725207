import type { InfoHash } from '@enjambre/core/ids';

/** Versions kept of one name and publisher; the oldest are dropped first. */
export const MAX_VERSIONS = 16;
/** Newest versions of which the signed publication is kept: others bring the older ones. */
const MAX_SIGNED = 4;

/** One version of a name: content that its publisher shared under it. */
export interface Version {
  readonly infohash: InfoHash;
  /** From 1; higher for each content that the publisher shares. */
  readonly version: number;
  /** When it was published, in milliseconds since 1970: as signed, otherwise when a tracker received it. */
  readonly at: number;
  /** Other peers already had the content: the publisher may have it from them. */
  readonly isCopy?: boolean;
  /** The signed publication in base64; empty if it was signed and is not kept, absent if it is not signed. */
  readonly signed?: string;
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
export function withNewest(
  versions: Versions,
  infohash: InfoHash,
  { now, isCopy = false }: { readonly now: number; readonly isCopy?: boolean },
): Versions {
  const newest = versions.at(-1);
  if (newest?.infohash === infohash) return versions;
  const before = versionOf(versions, infohash);
  const next = {
    infohash,
    version: (newest?.version ?? 0) + 1,
    at: Math.max(now, (newest?.at ?? -1) + 1),
    ...((before ? before.isCopy : isCopy) && { isCopy: true }),
  };
  const others = versions.filter((version) => version.infohash !== infohash);
  return withoutOldRecords([...others, next].slice(-MAX_VERSIONS));
}

/**
 * Merges what two trackers know of one name and publisher: all versions in the order of their times. Of two entries for
 * one infohash the signed one counts, otherwise the later, and it is a copy if both say so. Numbers that two trackers gave
 * at once are raised. The order of the arguments does not matter.
 */
export function mergeVersions(one: Versions, other: Versions): Versions {
  const latest = new Map<InfoHash, Version>();
  for (const version of [...one, ...other]) {
    const present = latest.get(version.infohash);
    const { isCopy, ...later } = !present || isBetter(version, present) ? version : present;
    const isOriginal = !isCopy || (present !== undefined && (!present.isCopy || !version.isCopy));
    latest.set(version.infohash, isOriginal ? later : { ...later, isCopy: true });
  }
  const ordered = [...latest.values()].sort((a, b) => (isLater(a, b) ? 1 : -1));
  let [number, at] = [0, -1];
  const numbered = ordered.map((version) => {
    number = Math.max(version.version, number + 1);
    at = Math.max(version.at, at + 1);
    return { ...version, version: number, at };
  });
  return withoutOldRecords(numbered.slice(-MAX_VERSIONS));
}

function withoutOldRecords(versions: Versions): Versions {
  const first = versions.length - MAX_SIGNED;
  return versions.map((version, index) =>
    index < first && version.signed ? { ...version, signed: '' } : version,
  );
}

export function sameVersions(one: Versions, other: Versions): boolean {
  return (
    one.length === other.length &&
    one.every(({ infohash, version, at, isCopy = false, signed }, index) => {
      const its = other[index];
      const isSame = its?.infohash === infohash && its.version === version && its.at === at;
      return isSame && isCopy === (its.isCopy ?? false) && signed === its.signed;
    })
  );
}

/** True if the first of two entries for one infohash counts. */
function isBetter(one: Version, other: Version): boolean {
  const [isSigned, isOtherSigned] = [one.signed !== undefined, other.signed !== undefined];
  if (isSigned !== isOtherSigned) return isSigned;
  if (one.at === other.at && one.version === other.version) return (one.signed ?? '') > (other.signed ?? '');
  return isLater(one, other);
}

function isLater(one: Version, other: Version): boolean {
  if (one.at !== other.at) return one.at > other.at;
  if (one.version !== other.version) return one.version > other.version;
  return one.infohash > other.infohash;
}
