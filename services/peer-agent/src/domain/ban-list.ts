import type { InfoHash, PeerId } from '@enjambre/core/ids';

/** A peer that may be banned. */
export interface Party {
  readonly peerId: PeerId;
  /** The name it uses, or the one from the tracker; empty if unknown. */
  readonly name: string;
}

/** A banned peer, and why. Times are milliseconds since the Unix epoch. */
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

/** Bad pieces sent by a peer, newest last. */
interface Offences {
  pieces: { readonly infohash: InfoHash; readonly atMs: number }[];
  /** When bad pieces were forgiven because the peer's content had changed. */
  pardonsMs: readonly number[];
}

/** One bad piece may be bit rot, or content that changed under an honest uploader. */
const MAX_OFFENCES = 3;
const OFFENCE_MS = 60 * 60 * 1000;
/** Maximum number of pardons per peer within {@link OFFENCE_MS}. */
const MAX_PARDONS = 8;
/** How long downloads park a peer after its first and its second bad piece or violation. */
export const PARK_MS: readonly number[] = [1000, 5000];
/**
 * What a peer does within this time of the last offence has the same cause, perhaps one flipped bit: the connection that
 * it damaged may have carried several downloads. Not longer than a peer is parked.
 */
export const SAME_CAUSE_MS = 1000;

/** What follows from an offence that is no ban. */
export interface Warning {
  /** How long downloads park the peer: then they ask it again, over a new connection. */
  readonly parkMs: number;
  /** It has offended on an earlier connection, too. */
  readonly isRepeated: boolean;
}

export const BAN_MS = 60 * 60 * 1000;
const MAX_STRIKES = 3;
/** The strikes of a peer are cleared after this much good behaviour. */
const FORGIVE_MS = 10 * 60 * 1000;
/** Peers remembered at most: a hostile peer can create identities without end. */
const MAX_REMEMBERED = 10_000;
/** Parts of either may be written by another peer. */
const MAX_REASON_CHARS = 200;
const MAX_NAME_CHARS = 64;

/** Peers banned for an hour: they sent bad data, or broke the protocol, repeatedly. */
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

  /** Counts a bad piece, unless it has the same cause as the last. Returns the ban if it was one too many. */
  offend(
    party: Party,
    { infohash, reason }: { readonly infohash: InfoHash; readonly reason: string },
    nowMs: number,
  ): Ban | Warning {
    const { pieces, pardonsMs } = this.#offences.get(party.peerId) ?? { pieces: [], pardonsMs: [] };
    const before = pieces.filter(({ atMs }) => nowMs - atMs < OFFENCE_MS);
    const last = before.at(-1);
    if (last && isSameCause(last.atMs, nowMs)) return warning(before.length);
    const recent = [...before, { infohash, atMs: nowMs }];
    if (recent.length >= MAX_OFFENCES) return this.ban(party, reason, nowMs);
    this.#offences.delete(party.peerId);
    this.#offences.set(party.peerId, { pieces: recent, pardonsMs });
    forgetOldest(this.#offences);
    return warning(recent.length);
  }

  /**
   * Forgives a peer's bad pieces of a file that it has withdrawn because the content changed; limited by MAX_PARDONS.
   */
  pardon(peer: PeerId, infohash: InfoHash, nowMs: number): void {
    const offences = this.#offences.get(peer);
    const isOf = (piece: { readonly infohash: InfoHash }): boolean => piece.infohash === infohash;
    if (!offences?.pieces.some(isOf)) return;
    offences.pardonsMs = offences.pardonsMs.filter((atMs) => nowMs - atMs < OFFENCE_MS);
    if (offences.pardonsMs.length >= MAX_PARDONS) return;
    offences.pieces = offences.pieces.filter((piece) => !isOf(piece));
    offences.pardonsMs = [...offences.pardonsMs, nowMs];
  }

  /** Counts a protocol violation, unless it has the same cause as the last. Returns the ban if it was one too many. */
  strike(party: Party, reason: string, nowMs: number): Ban | Warning {
    const before = this.#strikes.get(party.peerId);
    if (before && isSameCause(before.lastMs, nowMs)) return warning(before.count);
    const count = before && nowMs - before.lastMs < FORGIVE_MS ? before.count + 1 : 1;
    if (count >= MAX_STRIKES) return this.ban(party, reason, nowMs);
    this.#strikes.set(party.peerId, { count, lastMs: nowMs });
    forgetOldest(this.#strikes);
    return warning(count);
  }

  /** Why a peer is banned; undefined if it is not. */
  reasonFor(peer: PeerId, nowMs: number): string | undefined {
    const ban = this.#bans.get(peer);
    if (!ban) return undefined;
    if (nowMs < ban.untilMs) return ban.reason;
    this.#bans.delete(peer);
    return undefined;
  }

  /** Lifts a ban, and forgets the peer's offences. False if it was not banned. */
  lift(peer: PeerId): boolean {
    this.#strikes.delete(peer);
    this.#offences.delete(peer);
    return this.#bans.delete(peer);
  }

  /** All active bans, oldest first: the input of {@link restore}. */
  snapshot(nowMs: number): Ban[] {
    return [...this.#bans.values()].filter(({ untilMs }) => nowMs < untilMs);
  }

  /**
   * Adds bans of an earlier process, except expired ones. None lasts longer than a new one would, even if the clock has
   * changed since.
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

/** Order in which bans are shown; stable. */
export function newestFirst(a: Pick<Ban, 'sinceMs' | 'peerId'>, b: Pick<Ban, 'sinceMs' | 'peerId'>): number {
  return b.sinceMs - a.sinceMs || (a.peerId < b.peerId ? -1 : Number(a.peerId > b.peerId));
}

/** @param count offences so far */
function warning(count: number): Warning {
  return { parkMs: PARK_MS[count - 1] ?? 0, isRepeated: count > 1 };
}

function isSameCause(lastMs: number, nowMs: number): boolean {
  return nowMs >= lastMs && nowMs - lastMs < SAME_CAUSE_MS;
}

function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed();
}

function forgetOldest(map: Map<PeerId, unknown>): void {
  if (map.size <= MAX_REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
