import type { PeerId } from '@enjambre/core/ids';
import { WIDE_WATCH_PEERS } from '../swarm-constants.js';
import type { CandidateAddress } from './messages.js';
import { partyOf } from './party-turns.js';

/**
 * Peers listed by the tracker that exceed the number of links. They are kept because the tracker does not list them
 * again: as many as it lists at a time. If there are more, those of the party with the most make room, oldest first.
 */
export class SparePeers<Address extends CandidateAddress> {
  readonly #peers = new Map<PeerId, Address>();

  put(address: Address): void {
    this.#peers.delete(address.peerId);
    this.#peers.set(address.peerId, address);
    if (this.#peers.size > WIDE_WATCH_PEERS) this.#dropOne();
  }

  delete(peer: PeerId): void {
    this.#peers.delete(peer);
  }

  clear(): void {
    this.#peers.clear();
  }

  /** Those that are wanted now, the longest known first. */
  wanted(isWanted: (peer: PeerId) => boolean): Address[] {
    return [...this.#peers.values()].filter(({ peerId }) => isWanted(peerId));
  }

  #dropOne(): void {
    const parties = new Map<string, Address[]>();
    for (const address of this.#peers.values()) {
      const party = partyOf(address);
      parties.set(party, [...(parties.get(party) ?? []), address]);
    }
    let largest: readonly Address[] = [];
    for (const party of parties.values()) if (party.length > largest.length) largest = party;
    const [oldest] = largest;
    if (oldest) this.#peers.delete(oldest.peerId);
  }
}
