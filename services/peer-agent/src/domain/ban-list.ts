import type { InfoHash, PeerId } from '@enjambre/core/ids';

/** A peer that may be banned. */
export interface Party {
  readonly peerId: PeerId;
  /** As it called itself, or as the tracker did; empty if nobody knows. */
  readonly name: string;
}

/** A peer that is not dealt with, and why. Times are milliseconds since 1970. */
export interface Ban extends Party {
  /** A sentence for people. */
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface Strikes {
  count: number;
  lastMs: number;
}

/** Bad pieces of a peer, the newest last. */
interface Offences {
  pieces: { readonly infohash: InfoHash; readonly atMs: number }[];
  /** When they were forgiven since its content had changed. */
  pardonsMs: readonly number[];
}

/** One bad piece may be bit rot, or content that changed under an honest uploader. */
const MAX_OFFENCES = 3;
const OFFENCE_MS = 60 * 60 * 1000;
/** So often are those of a peer forgiven within {@link OFFENCE_MS}. */
const MAX_PARDONS = 8;
/** How long the downloads that got a bad piece of a peer leave it alone, after the first and after the second. */
export const PARK_MS: readonly number[] = [1000, 5000];

export const BAN_MS = 60 * 60 * 1000;
const MAX_STRIKES = 3;
/** A peer that behaved for so long starts anew. */
const FORGIVE_MS = 10 * 60 * 1000;
/** Peers remembered at most: a stranger can make new identities without end. */
const MAX_REMEMBERED = 10_000;
/** Others may have written a part of either. */
const MAX_REASON_CHARS = 200;
const MAX_NAME_CHARS = 64;

/** Peers not to deal with, for an hour: who sent bad bytes, or broke the protocol, again and again. */
export class BanList {
  readonly #bans = new Map<PeerId, Ban>();
  readonly #strikes = new Map<PeerId, Strikes>();
  readonly #offences = new Map<PeerId, Offences>();

  ban({ peerId, name }: Party, reason: string, nowMs: number): Ban {
    const ban = {
      peerId,
      name: cut(name, MAX_NAME_CHARS),
      reason: cut(reason, MAX_REASON_CHARS),
      sinceMs: nowMs,
      untilMs: nowMs + BAN_MS,
    };
    this.#strikes.delete(peerId);
    this.#offences.delete(peerId);
    this.#remember(ban);
    return ban;
  }

  /** Counts a bad piece. The ban if it was one too many, and else for how long its download leaves the peer alone. */
  offend(
    party: Party,
    { infohash, reason }: { readonly infohash: InfoHash; readonly reason: string },
    nowMs: number,
  ): Ban | { readonly parkMs: number } {
    const { pieces, pardonsMs } = this.#offences.get(party.peerId) ?? { pieces: [], pardonsMs: [] };
    const recent = [...pieces.filter(({ atMs }) => nowMs - atMs < OFFENCE_MS), { infohash, atMs: nowMs }];
    if (recent.length >= MAX_OFFENCES) return this.ban(party, reason, nowMs);
    this.#offences.delete(party.peerId);
    this.#offences.set(party.peerId, { pieces: recent, pardonsMs });
    forgetOldest(this.#offences);
    return { parkMs: PARK_MS[recent.length - 1] ?? 0 };
  }

  /** The peer has withdrawn the file since its content changed: its bad pieces of that count no more. Not without end. */
  pardon(peer: PeerId, infohash: InfoHash, nowMs: number): void {
    const offences = this.#offences.get(peer);
    const isOf = (piece: { readonly infohash: InfoHash }): boolean => piece.infohash === infohash;
    if (!offences?.pieces.some(isOf)) return;
    offences.pardonsMs = offences.pardonsMs.filter((atMs) => nowMs - atMs < OFFENCE_MS);
    if (offences.pardonsMs.length >= MAX_PARDONS) return;
    offences.pieces = offences.pieces.filter((piece) => !isOf(piece));
    offences.pardonsMs = [...offences.pardonsMs, nowMs];
  }

  /** Counts a breach of the protocol. The ban, if it was one too many. */
  strike(party: Party, reason: string, nowMs: number): Ban | undefined {
    const before = this.#strikes.get(party.peerId);
    const count = before && nowMs - before.lastMs < FORGIVE_MS ? before.count + 1 : 1;
    if (count >= MAX_STRIKES) return this.ban(party, reason, nowMs);
    this.#strikes.set(party.peerId, { count, lastMs: nowMs });
    forgetOldest(this.#strikes);
    return undefined;
  }

  /** Why a peer is banned; undefined if it is not. */
  reasonFor(peer: PeerId, nowMs: number): string | undefined {
    const ban = this.#bans.get(peer);
    if (!ban) return undefined;
    if (nowMs < ban.untilMs) return ban.reason;
    this.#bans.delete(peer);
    return undefined;
  }

  /** Deals with a peer again, as if nothing had been. False if it was not banned. */
  lift(peer: PeerId): boolean {
    this.#strikes.delete(peer);
    this.#offences.delete(peer);
    return this.#bans.delete(peer);
  }

  /** All bans that hold, the oldest first: what {@link restore} takes. */
  snapshot(nowMs: number): Ban[] {
    return [...this.#bans.values()].filter(({ untilMs }) => nowMs < untilMs);
  }

  /**
   * Adds bans of an earlier process, but for those that are over. None lasts longer than a
   * new one would, whatever has become of the clock since.
   */
  restore(bans: readonly Ban[], nowMs: number): void {
    for (const ban of bans) {
      if (nowMs >= ban.untilMs) continue;
      const sinceMs = Math.min(ban.sinceMs, nowMs);
      this.#remember({ ...ban, sinceMs, untilMs: Math.min(ban.untilMs, nowMs + BAN_MS) });
    }
  }

  #remember(ban: Ban): void {
    this.#bans.delete(ban.peerId);
    this.#bans.set(ban.peerId, ban);
    forgetOldest(this.#bans);
  }
}

/** The order in which people see bans, the same at each look. */
export function newestFirst(a: Pick<Ban, 'sinceMs' | 'peerId'>, b: Pick<Ban, 'sinceMs' | 'peerId'>): number {
  return b.sinceMs - a.sinceMs || (a.peerId < b.peerId ? -1 : Number(a.peerId > b.peerId));
}

function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed();
}

function forgetOldest(map: Map<PeerId, unknown>): void {
  if (map.size <= MAX_REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
