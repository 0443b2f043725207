import type { PeerId } from '@enjambre/core/ids';
import { MAX_LINKS } from '../swarm-constants.js';

/**
 * Peers that the tracker names and for whom there is no room among the links, the longest known first. They are kept, since it
 * does not name them again: as many as there may be links, the newest.
 */
export class SparePeers<Address> {
  readonly #peers = new Map<PeerId, Address>();

  put(peer: PeerId, address: Address): void {
    this.#peers.delete(peer);
    this.#peers.set(peer, address);
    const [oldest] = this.#peers.keys();
    if (this.#peers.size > MAX_LINKS && oldest) this.#peers.delete(oldest);
  }

  delete(peer: PeerId): void {
    this.#peers.delete(peer);
  }

  clear(): void {
    this.#peers.clear();
  }

  /** Takes out those that are wanted now, one after the other, as long as there is room. */
  *take(isWanted: (peer: PeerId) => boolean, hasRoom: () => boolean): Generator<Address> {
    for (const [peer, address] of this.#peers) {
      if (!isWanted(peer)) continue;
      if (!hasRoom()) return;
      this.#peers.delete(peer);
      yield address;
    }
  }
}
