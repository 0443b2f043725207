import type { PeerId } from '@enjambre/core/ids';
import type { Capacity } from './capacity.js';
import type { PartyQuotas } from './party-quotas.js';
import { Tally } from './tally.js';

/** The first use of a name by a peer that was forgotten: another one under it is not taken for that peer. */
export interface KeptName {
  readonly id: PeerId;
  readonly name: string;
  /** When it first used the name. */
  readonly namedAt: number;
  /** The party that it counts for. */
  readonly party: string;
  readonly keptUntil: number;
}

/** Names of forgotten peers, one of each: as many as peers may be known, in all and of each party. */
export class KeptNames {
  readonly #names = new Map<PeerId, KeptName>();
  readonly #byParty = new Tally();

  constructor(
    private readonly limits: Pick<Capacity, 'knownPeers'>,
    private readonly quotas: Pick<PartyQuotas, 'knownPeers'>,
  ) {}

  /** False if a further name of this party is not kept. */
  hasRoomFor(party: string): boolean {
    return this.#names.size < this.limits.knownPeers && this.#byParty.of(party) < this.quotas.knownPeers;
  }

  get(id: PeerId): KeptName | undefined {
    return this.#names.get(id);
  }

  add(kept: KeptName): void {
    this.remove(kept.id);
    this.#names.set(kept.id, kept);
    this.#byParty.add(kept.party);
  }

  remove(id: PeerId): void {
    const kept = this.#names.get(id);
    if (!kept) return;
    this.#names.delete(id);
    this.#byParty.remove(kept.party);
  }

  expired(now: number): KeptName[] {
    return [...this.#names.values()].filter(({ keptUntil }) => keptUntil < now);
  }
}
