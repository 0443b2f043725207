import type { InfoHash } from '@enjambre/core/ids';
import { sameSummary, type FileSummary } from './file-summary.js';

/** Descriptions kept for one infohash, and those of them that peers of one party brought. */
const MAX_CLAIMS = 8;
const MAX_CLAIMS_OF_PARTY = 2;

/** The first share of a file in the network. */
export interface FirstShare {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
}

/** The swarm that a claim is about. */
interface ClaimedSwarm {
  readonly infohash: InfoHash;
  readonly seeders: { readonly size: number };
  readonly leechers: { readonly size: number };
  readonly claims: Claims;
}

/**
 * What a publisher says of a file. A tracker has no byte of it, so it cannot know whether it is true, and keeps what
 * different publishers say beside each other: a downloader compares it with the metainfo.
 */
export class Claim {
  /** Members that make this claim. */
  supporters = 0;
  /** True if the network's record says the same: it stays without members that do. */
  isRecorded = false;

  constructor(
    readonly swarm: ClaimedSwarm,
    readonly file: FileSummary,
    /** The party whose peer made it first. */
    readonly party: string,
    /** The first share with this description. */
    public firstShare: FirstShare | undefined,
  ) {}
}

/** The claims about one infohash; the first is the network's record, or the oldest. */
export type Claims = readonly Claim[];

export const NO_CLAIMS: Claims = [];

export function claimLike(claims: Claims, file: FileSummary): Claim | undefined {
  return claims.find((claim) => sameSummary(file, claim.file));
}

/**
 * Adds a claim of a party. If there is no room, it takes the place of a claim of the party with the most, its newest one,
 * or of the oldest one that only one member makes: a stranger who comes first keeps no place that others need, and what
 * several publishers say stays. Returns undefined if the claim has no room. Parties that a tracker does not report have
 * the empty name, and no limit of their own.
 */
export function withClaim(claims: Claims, claim: Claim): Claims | undefined {
  const ofParty = (party: string): Claim[] => claims.filter((one) => one.party === party && !one.isRecorded);
  const own = claim.party === '' ? 0 : ofParty(claim.party).length;
  if (own >= MAX_CLAIMS_OF_PARTY) return undefined;
  if (claims.length < MAX_CLAIMS) return [...claims, claim];
  let most: Claim[] = [];
  for (const { party } of claims) if (ofParty(party).length > most.length) most = ofParty(party);
  const lonely = claims.find(({ supporters, isRecorded }) => supporters <= 1 && !isRecorded);
  const loser = most.length > own + 1 ? most.at(-1) : lonely;
  return loser && [...claims.filter((one) => one !== loser), claim];
}

/** Removes a claim that no member makes any more, unless it is the only one. */
export function withoutUnsupported(claims: Claims): Claims {
  const supported = claims.filter(({ supporters, isRecorded }) => supporters > 0 || isRecorded);
  if (supported.length === claims.length) return claims;
  return supported.length > 0 ? supported : claims.slice(0, 1);
}

/** The claim that the network's record makes comes first; there is only one. */
export function withRecord(claims: Claims, recorded: Claim): Claims {
  for (const claim of claims) claim.isRecorded = false;
  recorded.isRecorded = true;
  return withoutUnsupported([recorded, ...claims.filter((claim) => claim !== recorded)]);
}
