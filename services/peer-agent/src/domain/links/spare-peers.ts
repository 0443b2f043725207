import type { PeerId } from '@enjambre/core/ids';
import { MAX_LINKS } from '../swarm-constants.js';

/**
 * Peers listed by the tracker that exceed the number of links, the longest known first. They are kept because the
 * tracker does not list them again: the newest, as many as there may be links.
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

  /** Removes and yields the wanted peers, one by one, while there is room. */
  *take(isWanted: (peer: PeerId) => boolean, hasRoom: () => boolean): Generator<Address> {
    for (const [peer, address] of this.#peers) {
      if (!isWanted(peer)) continue;
      if (!hasRoom()) return;
      this.#peers.delete(peer);
      yield address;
    }
  }
}
