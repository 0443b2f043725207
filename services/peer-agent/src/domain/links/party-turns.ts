import { networkOf } from '@enjambre/core/network-of';
import type { Random } from '../random.js';

/** The party of a peer: the part of its address that it cannot change at will. */
export function partyOf({ endpoint }: { readonly endpoint: string }): string {
  return networkOf(endpoint);
}

/**
 * Orders items so that the parties take turns: first one item of each party, then a second one of each. A party that
 * holds places already comes later by as many turns. Items with the same turn keep their order. So 600 peers behind one
 * address keep nobody waiting.
 *
 * @param held places of a party
 */
export function inPartyTurns<Item>(
  items: readonly Item[],
  partyOf: (item: Item) => string,
  held: ReadonlyMap<string, number>,
): Item[] {
  const next = new Map(held);
  const ranked = items.map((item) => {
    const party = partyOf(item);
    const turn = next.get(party) ?? 0;
    next.set(party, turn + 1);
    return { item, turn };
  });
  return ranked.sort((one, other) => one.turn - other.turn).map(({ item }) => item);
}

/** Number of items of each party. */
export function countParties(items: Iterable<{ readonly party: string }>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { party } of items) counts.set(party, (counts.get(party) ?? 0) + 1);
  return counts;
}

/** The items in random order. */
export function shuffled<Item>(items: Iterable<Item>, random: Random): Item[] {
  const lots = [...items].map((item) => ({ item, lot: random() }));
  return lots.sort((one, other) => one.lot - other.lot).map(({ item }) => item);
}
