import type { PeerId } from '@enjambre/core/ids';

/** Addresses of one peer that are dialed per round: a hostile peer may claim addresses of others. */
const MAX_DIALED = 4;
/** Peers whose last reached and dialed addresses are remembered. */
const MAX_KNOWN = 1000;

/**
 * Chooses the addresses at which to dial a peer: a few in each round, starting with the one that last worked and then
 * those that were not dialed in the last round, since a round may end early.
 */
export class DialTurns {
  readonly #reached = new Recent();
  readonly #dialed = new Recent();

  /** The addresses of the next round, best first. */
  next(peer: PeerId, endpoints: readonly string[]): string[] {
    const all = [...new Set(endpoints)];
    const reached = this.#reached.get(peer);
    const known = all.filter((endpoint) => endpoint === reached);
    const others = all.filter((endpoint) => endpoint !== reached);
    const start = others.indexOf(this.#dialed.get(peer) ?? '') + 1;
    return [...known, ...others.slice(start), ...others.slice(0, start)].slice(0, MAX_DIALED);
  }

  /** The next round starts after this address. */
  dialed(peer: PeerId, endpoint: string): void {
    if (endpoint !== this.#reached.get(peer)) this.#dialed.set(peer, endpoint);
  }

  reached(peer: PeerId, endpoint: string): void {
    this.#reached.set(peer, endpoint);
  }
}

/** Remembers the last address per peer; drops the oldest peers. */
class Recent {
  readonly #endpoints = new Map<PeerId, string>();

  get(peer: PeerId): string | undefined {
    return this.#endpoints.get(peer);
  }

  set(peer: PeerId, endpoint: string): void {
    this.#endpoints.delete(peer);
    this.#endpoints.set(peer, endpoint);
    const [oldest] = this.#endpoints.keys();
    if (this.#endpoints.size > MAX_KNOWN && oldest !== undefined) this.#endpoints.delete(oldest);
  }
}
