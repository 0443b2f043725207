import { RandomSet, RandomSets, type Drawable } from './random-set.js';

/** Items that belong to parties, for random draws of items and of parties. */
export interface PartyDrawable<T> extends Drawable<T> {
  /**
   * Every item once, in an order drawn on demand: first one item of each party, then another one of each. The items must
   * not change meanwhile. @param random uniform in [0, 1)
   */
  inTurns(random: () => number): Iterable<T>;
}

interface OfParty {
  readonly party: string;
}

/** A {@link RandomSet} by party: add, delete and one draw cost O(1). */
export class PartySet<T extends OfParty> extends RandomSet<T> implements PartyDrawable<T> {
  /** Created on first use: most sets are small, or of parties with few items. */
  #parties: Parties<T> | undefined;

  override add(item: T): void {
    super.add(item);
    this.#parties?.add(item);
  }

  override delete(item: T): void {
    super.delete(item);
    this.#parties?.delete(item);
  }

  inTurns(random: () => number): Iterable<T> {
    this.#parties ??= new Parties(this);
    return this.#parties.inTurns(random);
  }
}

/** Several disjoint sets, for random draws as from one. */
export class PartySets<T extends OfParty> extends RandomSets<T> implements PartyDrawable<T> {
  readonly #sets: readonly PartySet<T>[];

  constructor(sets: readonly PartySet<T>[]) {
    super(sets);
    this.#sets = sets;
  }

  inTurns(random: () => number): Iterable<T> {
    return alternately(this.#sets.map((set) => set.inTurns(random)));
  }
}

class Parties<T extends OfParty> {
  readonly #byName = new Map<string, RandomSet<T>>();
  readonly #all = new RandomSet<RandomSet<T>>();

  constructor(items: Iterable<T>) {
    for (const item of items) this.add(item);
  }

  add(item: T): void {
    let members = this.#byName.get(item.party);
    if (!members) {
      this.#byName.set(item.party, (members = new RandomSet()));
      this.#all.add(members);
    }
    members.add(item);
  }

  delete(item: T): void {
    const members = this.#byName.get(item.party);
    members?.delete(item);
    if (members?.size !== 0) return;
    this.#byName.delete(item.party);
    this.#all.delete(members);
  }

  inTurns(random: () => number): Iterable<T> {
    return alternately(mapped(this.#all.shuffled(random), (members) => members.shuffled(random)));
  }
}

function* mapped<From, To>(items: Iterable<From>, to: (item: From) => To): Generator<To, void, undefined> {
  for (const item of items) yield to(item);
}

/** One item of each source, then another one of each, until all are exhausted. Opens sources on demand. */
function* alternately<T>(sources: Iterable<Iterable<T>>): Generator<T, void, undefined> {
  let open = mapped(sources, (source) => source[Symbol.iterator]()) as Iterable<Iterator<T>>;
  for (;;) {
    const left: Iterator<T>[] = [];
    for (const items of open) {
      const next = items.next();
      if (next.done === true) continue;
      yield next.value;
      left.push(items);
    }
    if (left.length === 0) return;
    open = left;
  }
}
