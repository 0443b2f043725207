import type { PeerId } from '@enjambre/core/ids';

interface Ban {
  readonly reason: string;
  readonly untilMs: number;
}

interface Strikes {
  count: number;
  lastMs: number;
}

const BAN_MS = 60 * 60 * 1000;
const MAX_STRIKES = 3;
/** A peer that behaved for so long starts anew. */
const FORGIVE_MS = 10 * 60 * 1000;
/** Peers remembered at most: a stranger can make new identities without end. */
const MAX_REMEMBERED = 10_000;

/** Peers not to deal with, for an hour: who sent bad bytes, or broke the protocol again and again. */
export class BanList {
  readonly #bans = new Map<PeerId, Ban>();
  readonly #strikes = new Map<PeerId, Strikes>();

  ban(peer: PeerId, reason: string, nowMs: number): void {
    this.#strikes.delete(peer);
    this.#bans.delete(peer);
    this.#bans.set(peer, { reason, untilMs: nowMs + BAN_MS });
    forgetOldest(this.#bans);
  }

  /** Counts a breach of the protocol. True if it was one too many, and the peer is banned now. */
  strike(peer: PeerId, reason: string, nowMs: number): boolean {
    const before = this.#strikes.get(peer);
    const count = before && nowMs - before.lastMs < FORGIVE_MS ? before.count + 1 : 1;
    if (count >= MAX_STRIKES) {
      this.ban(peer, reason, nowMs);
      return true;
    }
    this.#strikes.set(peer, { count, lastMs: nowMs });
    forgetOldest(this.#strikes);
    return false;
  }

  /** Why a peer is banned; undefined if it is not. */
  reasonFor(peer: PeerId, nowMs: number): string | undefined {
    const ban = this.#bans.get(peer);
    if (!ban) return undefined;
    if (nowMs < ban.untilMs) return ban.reason;
    this.#bans.delete(peer);
    return undefined;
  }
}

function forgetOldest(map: Map<PeerId, unknown>): void {
  if (map.size <= MAX_REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
