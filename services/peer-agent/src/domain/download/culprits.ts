import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';

/** How long a peer that repeatedly sent bad pieces is not asked for such a piece again. */
const AVOID_MS = 60_000;
/** Maximum number of entries: each has cost a bad piece. */
const MAX_CULPRITS = 1000;

interface Culprit {
  /** The peer is parked until this time. */
  parkedUntilMs: number;
  /** Pieces that it is not asked for, and until when. */
  readonly avoided: Map<number, number>;
  /** It announced that its content changed: bad data that still arrives from it is expected. */
  withdrew: boolean;
}

/** Per download: peers that sent bad pieces. They are parked for a while, and those pieces are fetched from others. */
export class Culprits {
  readonly #culprits = new Map<PeerId, Culprit>();

  isParked(peer: PeerId, nowMs: number): boolean {
    return nowMs < (this.#culprits.get(peer)?.parkedUntilMs ?? -Infinity);
  }

  /** True if the peer has withdrawn the file since it last joined. */
  hasWithdrawn(peer: PeerId): boolean {
    return this.#culprits.get(peer)?.withdrew ?? false;
  }

  /** Removes the pieces that the peer must not be asked for from its bitfield. */
  joined(peer: PeerId, has: Bitfield): void {
    const culprit = this.#culprits.get(peer);
    if (!culprit) return;
    culprit.withdrew = false;
    for (const piece of culprit.avoided.keys()) has.clear(piece);
  }

  /** The peer is parked until this time. */
  park(peer: PeerId, untilMs: number): void {
    this.#culpritOf(peer).parkedUntilMs = untilMs;
  }

  /** The peer is not asked for this piece for a while. */
  avoid(peer: PeerId, piece: number, nowMs: number): void {
    this.#culpritOf(peer).avoided.set(piece, nowMs + AVOID_MS);
  }

  withdrew(peer: PeerId): void {
    this.#culpritOf(peer).withdrew = true;
  }

  /** Removes and returns pieces that may be requested from their peers again. */
  forgiven(nowMs: number): { readonly peer: PeerId; readonly pieces: readonly number[] }[] {
    return [...this.#culprits].flatMap(([peer, { avoided }]) => {
      const pieces = [...avoided].filter(([, untilMs]) => untilMs <= nowMs).map(([piece]) => piece);
      for (const piece of pieces) avoided.delete(piece);
      return pieces.length > 0 ? [{ peer, pieces }] : [];
    });
  }

  #culpritOf(peer: PeerId): Culprit {
    const culprit = this.#culprits.get(peer) ?? {
      parkedUntilMs: -Infinity,
      avoided: new Map<number, number>(),
      withdrew: false,
    };
    this.#culprits.set(peer, culprit);
    const [oldest] = this.#culprits.keys();
    if (this.#culprits.size > MAX_CULPRITS && oldest !== undefined) this.#culprits.delete(oldest);
    return culprit;
  }
}
