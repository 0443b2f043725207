import type { Drawable } from './random-set.js';

/** The peers there are to choose from. */
export interface Candidates<Peer> {
  readonly seeders: Drawable<Peer>;
  readonly leechers: Drawable<Peer>;
  /** Those of a node, rack, zone or region, by its name: seeders and leechers alike. */
  near(place: string): Drawable<Peer> | undefined;
}

/** How many peers of which kind somebody wants. */
export interface Quotas {
  /** So many are chosen, or all there are if they are fewer. */
  readonly total: number;
  /** At most so many are chosen for being near. */
  readonly near: number;
  /** At least so many are seeders, as long as there are. */
  readonly seeders: number;
}

export interface Wanted<Peer> extends Quotas {
  /** Where the asker stands, closest first. */
  readonly places: readonly string[];
  /** True for the asker itself and whom it knows already. */
  excludes(peer: Peer): boolean;
}

/** So many are not chosen for being near, and at least so few: no zone is an island. */
const FAR_SHARE = 0.25;
const FEW_FAR = 3;
const SEEDER_SHARE = 0.5;

/** So many are drawn for each that is chosen: two are enough (M. Mitzenmacher, The Power of Two Choices). */
const CHOICES = 2;

/** How many of so many may be chosen for being near. */
export function nearQuota(total: number): number {
  return Math.max(0, total - Math.max(FEW_FAR, Math.ceil(total * FAR_SHARE)));
}

/** What a watcher wants that knows nobody yet. */
export function wantedAtFirst(total: number): Quotas {
  return { total, near: nearQuota(total), seeders: Math.ceil(total * SEEDER_SHARE) };
}

/** What it wants in place of one that left, when it still knows so many seeders. */
export function wantedInstead(maxPeers: number, knownSeeders: number, random: () => number): Quotas {
  const seeders = knownSeeders < maxPeers * SEEDER_SHARE ? 1 : 0;
  return { total: 1, near: knownSeeders > 0 && random() >= FAR_SHARE ? 1 : 0, seeders };
}

/**
 * Chooses peers for a newcomer: first near ones, the closest first, then seeders, then
 * leechers, each time at random among equals, of twice as many those whom the fewest know: else who came early
 * serves all, and who came late nobody. Costs O(chosen + excluded), however large the swarm.
 */
export function selectPeers<Peer extends { readonly seeder: boolean; readonly fame: number }>(
  from: Candidates<Peer>,
  wanted: Wanted<Peer>,
  random: () => number,
): Peer[] {
  const chosen = new Set<Peer>();
  let seeders = 0;
  const take = (candidates: Drawable<Peer> | undefined, upTo: number): void => {
    if (candidates === undefined || chosen.size >= upTo) return;
    const lacking = upTo - chosen.size;
    const drawn: Peer[] = [];
    for (const peer of candidates.shuffled(random)) {
      if (!chosen.has(peer) && !wanted.excludes(peer)) drawn.push(peer);
      if (drawn.length >= CHOICES * lacking) break;
    }
    drawn.sort((one, other) => one.fame - other.fame);
    for (const peer of drawn.slice(0, lacking)) {
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
