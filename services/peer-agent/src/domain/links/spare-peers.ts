import type { PeerId } from '@enjambre/core/ids';
import { WIDE_WATCH_PEERS } from '../swarm-constants.js';
import type { CandidateAddress } from './messages.js';
import { countParties } from './party-turns.js';

/** A spare peer and its party. */
export interface Spare<Address> {
  readonly address: Address;
  readonly party: string;
}

/**
 * Peers listed by the tracker that exceed the number of links. They are kept because the tracker does not list them
 * again: as many as it lists at a time. If there are more, those of the party with the most make room, oldest first.
 */
export class SparePeers<Address extends CandidateAddress> {
  readonly #peers = new Map<PeerId, Spare<Address>>();

  put(spare: Spare<Address>): void {
    const { peerId } = spare.address;
    this.#peers.delete(peerId);
    this.#peers.set(peerId, spare);
    if (this.#peers.size > WIDE_WATCH_PEERS) this.#dropOne();
  }

  delete(peer: PeerId): void {
    this.#peers.delete(peer);
  }

  clear(): void {
    this.#peers.clear();
  }

  /** Those that are wanted now, the longest known first. */
  wanted(isWanted: (peer: PeerId) => boolean): Spare<Address>[] {
    return [...this.#peers.values()].filter(({ address }) => isWanted(address.peerId));
  }

  #dropOne(): void {
    const counts = countParties(this.#peers.values());
    const most = Math.max(...counts.values());
    for (const [peer, { party }] of this.#peers)
      if (counts.get(party) === most) return void this.#peers.delete(peer);
  }
}
