import type { PartyDrawable } from './party-set.js';
import type { Drawable } from './random-set.js';

/** The peers to choose from. */
export interface Candidates<Peer> {
  readonly seeders: PartyDrawable<Peer>;
  readonly leechers: PartyDrawable<Peer>;
  /** Peers of a node, rack, zone or region, by its name: seeders and leechers alike. */
  near(place: string): Drawable<Peer> | undefined;
}

/** Number of peers to choose, by kind. */
export interface Quotas {
  /** Number of peers to choose; all if there are fewer. */
  readonly total: number;
  /** Maximum number chosen by proximity. */
  readonly near: number;
  /** Minimum number of seeders, if there are enough. */
  readonly seeders: number;
}

export interface Wanted<Peer> extends Quotas {
  /** Location of the requester, closest first. */
  readonly places: readonly string[];
  /** True for the requester itself and for peers that it already knows. */
  excludes(peer: Peer): boolean;
}

/** Share of peers not chosen by proximity, and its minimum: no zone may be isolated. */
const FAR_SHARE = 0.25;
const FEW_FAR = 3;
const SEEDER_SHARE = 0.5;

/** Random draws per chosen peer: two are enough (M. Mitzenmacher, The Power of Two Choices). */
const CHOICES = 2;
/** Share of the chosen peers that one party may have while there are others. */
const PARTY_SHARE = 0.25;
/** Random draws per chosen peer in search of other parties. */
const MAX_DRAWS = 8;

/** Maximum number chosen by proximity among `total`. */
export function nearQuota(total: number): number {
  return Math.max(0, total - Math.max(FEW_FAR, Math.ceil(total * FAR_SHARE)));
}

/** Quotas of a new watcher, which knows no peers yet. */
export function wantedAtFirst(total: number): Quotas {
  return { total, near: nearQuota(total), seeders: Math.ceil(total * SEEDER_SHARE) };
}

/** Quotas for the replacement of a peer that left, given the number of seeders still known. */
export function wantedInstead(maxPeers: number, knownSeeders: number, random: () => number): Quotas {
  const seeders = knownSeeders < maxPeers * SEEDER_SHARE ? 1 : 0;
  return { total: 1, near: knownSeeders > 0 && random() >= FAR_SHARE ? 1 : 0, seeders };
}

/** A peer that may be chosen. */
export interface Selectable {
  readonly seeder: boolean;
  readonly inDegree: number;
  /** The part of its address that it cannot change at will; empty if unknown. */
  readonly party: string;
}

/**
 * Chooses peers for a newcomer: first near ones, closest first, then seeders, then leechers. Each time it
 * draws twice as many at random among equals, and takes those with the lowest in-degree: otherwise early
 * peers would serve all, and late peers none. One party gets a quarter at most, as long as others are found: once it has
 * more, the parties take turns, so that no number of fake peers behind one address hides the honest ones. Costs O(chosen + excluded), however large the swarm.
 */
export function selectPeers<Peer extends Selectable>(
  from: Candidates<Peer>,
  wanted: Wanted<Peer>,
  random: () => number,
): Peer[] {
  const chosen = new Set<Peer>();
  let seeders = 0;
  const take = (candidates: Drawable<Peer> | PartyDrawable<Peer> | undefined, upTo: number): void => {
    if (candidates === undefined || chosen.size >= upTo) return;
    const lacking = upTo - chosen.size;
    const drawn = new FairDraw<Peer>({ lacking, share: Math.ceil(wanted.total * PARTY_SHARE) }, chosen);
    const canTakeTurns = 'inTurns' in candidates;
    drawn.addAll(without(candidates.shuffled(random), wanted), () => canTakeTurns && drawn.isLopsided);
    if (canTakeTurns) drawn.addAll(without(candidates.inTurns(random), wanted));
    for (const peer of drawn.best()) {
      chosen.add(peer);
      if (peer.seeder) seeders += 1;
    }
  };
  for (const place of wanted.near > 0 ? wanted.places : []) take(from.near(place), wanted.near);
  take(from.seeders, Math.min(wanted.total, chosen.size + Math.max(0, wanted.seeders - seeders)));
  take(from.leechers, wanted.total);
  take(from.seeders, wanted.total);
  return [...chosen];
}

function* without<Peer>(peers: Iterable<Peer>, wanted: Wanted<Peer>): Generator<Peer, void, undefined> {
  for (const peer of peers) if (!wanted.excludes(peer)) yield peer;
}

/** Draws peers until there are twice as many as lacking, not counting those of a party beyond its share. */
class FairDraw<Peer extends Selectable> {
  readonly #fair: Peer[] = [];
  /** Peers of parties that have had their share. */
  readonly #excess: Peer[] = [];
  readonly #parties = new Map<string, number>();
  readonly #seen: Set<Peer>;

  constructor(
    private readonly limits: { readonly lacking: number; readonly share: number },
    chosen: Iterable<Peer>,
  ) {
    this.#seen = new Set(chosen);
    for (const peer of chosen) this.#count(peer);
  }

  /** A party has had its share. */
  get isLopsided(): boolean {
    return this.#excess.length > 0;
  }

  get #isDone(): boolean {
    const { lacking } = this.limits;
    if (this.#fair.length >= CHOICES * lacking) return true;
    return this.#fair.length + this.#excess.length >= MAX_DRAWS * lacking;
  }

  /** Draws peers until there are enough, or `isOver`. */
  addAll(peers: Iterable<Peer>, isOver = (): boolean => false): void {
    for (const peer of peers) {
      if (this.#isDone || isOver()) return;
      if (!this.#seen.has(peer)) this.#add(peer);
    }
  }

  #add(peer: Peer): void {
    this.#seen.add(peer);
    const isFair = peer.party === '' || (this.#parties.get(peer.party) ?? 0) < this.limits.share;
    (isFair ? this.#fair : this.#excess).push(peer);
    this.#count(peer);
  }

  /** Those with the lowest in-degree, as many as are lacking; others only if there are too few. */
  best(): Peer[] {
    const byDegree = (one: Peer, other: Peer): number => one.inDegree - other.inDegree;
    // With one party, its share is as good as the rest.
    const isOneParty = this.#parties.size < 2;
    const all = isOneParty
      ? [...this.#fair, ...this.#excess].sort(byDegree)
      : [...this.#fair.sort(byDegree), ...this.#excess.sort(byDegree)];
    return all.slice(0, this.limits.lacking);
  }

  #count({ party }: Peer): void {
    if (party !== '') this.#parties.set(party, (this.#parties.get(party) ?? 0) + 1);
  }
}
