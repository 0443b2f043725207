import type { PeerId } from '@enjambre/core/ids';
import { countParties, inPartyTurns, shuffled } from './links/party-turns.js';
import type { Random } from './random.js';
import { RetryTimes, type Failure } from './retry-times.js';

/** Head start of the peers already asked before more are asked. */
const HEAD_START_MS = 150;
/** The same while a peer sends at a good rate: more senders only share the same link. */
const PATIENCE_MS = 1000;
/**
 * A peer that was dialed and has sent nothing for this time counts as silent. The time may be longer: see
 * {@link RetryTimes}.
 */
const SILENT_MS = 500;
/** A peer that has waited this long to be dialed lets another wait in its place, if there is one. */
const TURN_MS = 1000;
/** Maximum number of peers asked concurrently. Silent ones make room for others. */
const MAX_ASKED = 50;
/** Maximum number of concurrent senders, if all of them send at least at {@link MIN_RATE}. */
const MAX_SENDERS = 4;
/** Bytes per second below which a peer counts as silent, and after {@link SLOW_MS} as failed. */
const MIN_RATE = 16 << 10;
const SLOW_MS = 30_000;
/** A peer that needs no longer than this, or sends at {@link GOOD_RATE}, is worth waiting for. */
const SOON_MS = 3000;
const GOOD_RATE = 256 << 10;
/** Bytes held of all answers in progress; the best answer may hold more. */
const MAX_HELD_BYTES = 64 << 20;
/** Wait while no peer is known. */
const IDLE_MS = 60_000;

/** An answer in progress. */
interface Asked {
  readonly sinceMs: number;
  /** When an address of the peer was first dialed; undefined while all of them wait for their turn. */
  dialedMs: number | undefined;
  bytes: number;
  /** Total length announced by the peer; 0 until it is. */
  total: number;
  /** Bytes per second between the last two measurements. */
  rate: number;
  /** The last measurement. */
  seen: { readonly atMs: number; readonly bytes: number };
}

interface Runner {
  readonly peer: PeerId;
  seeder: boolean;
  party: string;
  /** False once no source lists the peer; an answer in progress still counts. */
  named: boolean;
  asked: Asked | undefined;
}

/** What to do now. */
export interface RaceStep {
  readonly ask: readonly PeerId[];
  /** Asked peers that are not worth waiting for; they are asked again later. */
  readonly drop: readonly PeerId[];
  /** All known peers were asked and none is sending: more peers are needed. */
  readonly needsPeers: boolean;
  /** Latest time for the next step, in milliseconds from now. */
  readonly waitMs: number;
}

/** Progress of one answer. */
export interface RaceAnswer {
  readonly peer: PeerId;
  readonly askedMs: number;
  readonly silent: boolean;
  /** From 0 to 1. */
  readonly done: number;
}

/**
 * Decides which peers to ask for a metainfo. The first good answer wins, so each peer has only a short head start:
 * while none sends, the number of peers asked doubles each time. Once some send, a few of them are enough. Peers that
 * do not send make room for others.
 */
export class MetainfoRace {
  readonly #runners = new Map<PeerId, Runner>();
  readonly #retries: RetryTimes;
  /** Number of peers to ask next time. */
  #batch = 1;
  #lastMs = -Infinity;
  /** Peers that failed since the last step; as many others may be asked instead. */
  #failed = 0;
  #replacedMs = -Infinity;

  constructor(private readonly random: Random) {
    this.#retries = new RetryTimes(random);
  }

  get size(): number {
    return this.#runners.size;
  }

  /** @param party the peer's network: see {@link inPartyTurns} */
  know(peer: PeerId, { seeder, party }: { readonly seeder: boolean; readonly party: string }): void {
    const known = this.#runners.get(peer);
    if (known) Object.assign(known, { seeder, party, named: true });
    else this.#runners.set(peer, { peer, seeder, party, named: true, asked: undefined });
  }

  /** The peer is no longer listed. Its failures are remembered, in case it is listed again. */
  forget(peer: PeerId): void {
    const runner = this.#runners.get(peer);
    if (runner?.asked) runner.named = false;
    else this.#runners.delete(peer);
  }

  /** An address of the peer is dialed: its time to answer starts. */
  dialed(peer: PeerId, nowMs: number): void {
    const asked = this.#runners.get(peer)?.asked;
    if (asked) asked.dialedMs ??= nowMs;
  }

  received(peer: PeerId, { bytes, total }: { readonly bytes: number; readonly total: number }): void {
    const asked = this.#runners.get(peer)?.asked;
    if (asked) Object.assign(asked, { bytes, total });
  }

  /**
   * The peer did not deliver the metainfo: another one is asked at once.
   *
   * @param retryAfterMs the peer asks not to be asked again for this time
   */
  failed(peer: PeerId, nowMs: number, failure: Failure = 'silent or refused', retryAfterMs?: number): void {
    const runner = this.#runners.get(peer);
    if (!runner?.asked) return;
    this.#giveUp(runner, nowMs, failure, retryAfterMs);
    this.#failed += 1;
  }

  answers(nowMs: number): RaceAnswer[] {
    return this.#asked().map(({ peer, asked }) => ({
      peer,
      askedMs: nowMs - asked.sinceMs,
      silent: waitedMs(asked, nowMs) >= SILENT_MS && asked.rate < MIN_RATE,
      done: asked.total > 0 ? asked.bytes / asked.total : 0,
    }));
  }

  step(nowMs: number): RaceStep {
    for (const { asked } of this.#asked()) measure(asked, nowMs);
    const drop = this.#outdated(nowMs);
    const ready = this.#ready(nowMs);
    // Without a peer to ask, no head start begins: the first one is asked as soon as it is known.
    const wanted = ready.length === 0 ? 0 : Math.min(this.#due(nowMs), ready.length);
    const ask = wanted > 0 ? ready.slice(0, this.#makeRoom(wanted, nowMs, drop)) : [];
    const seen = { atMs: nowMs, bytes: 0 };
    for (const runner of ask)
      runner.asked = { sinceMs: nowMs, dialedMs: undefined, bytes: 0, total: 0, rate: 0, seen };
    return {
      ask: ask.map(({ peer }) => peer),
      drop: drop.map(({ peer }) => peer),
      needsPeers: ask.length === ready.length && !this.#asked().some(({ asked }) => asked.rate >= MIN_RATE),
      waitMs: this.#waitMs(nowMs),
    };
  }

  /** Number of peers to ask now. */
  #due(nowMs: number): number {
    const isPatient = this.#asked().some(({ asked }) => isWorthWaiting(asked));
    const failed = this.#failed;
    this.#failed = 0;
    if (nowMs - this.#lastMs >= (isPatient ? PATIENCE_MS : HEAD_START_MS)) {
      const batch = isPatient ? 1 : this.#batch;
      this.#batch = isPatient ? 1 : Math.min(2 * batch, MAX_ASKED / 2);
      this.#lastMs = nowMs;
      return batch;
    }
    return isPatient ? 0 : failed;
  }

  #asked(): (Runner & { asked: Asked })[] {
    return [...this.#runners.values()].filter(
      (runner): runner is Runner & { asked: Asked } => !!runner.asked,
    );
  }

  /**
   * Peers that may be asked now, in the order of asking. The parties take turns, those with the fewest peers asked
   * first; within a party, the peers with the fewest failures come first, seeders first among equals.
   */
  #ready(nowMs: number): Runner[] {
    const failures = ({ peer }: Runner): number => this.#retries.countOf(peer);
    const ready = [...this.#runners.values()].filter(
      ({ asked, peer }) => !asked && this.#retries.notBeforeMs(peer) <= nowMs,
    );
    const inOrder = shuffled(ready, this.random).sort(
      (one, other) => failures(one) - failures(other) || Number(other.seeder) - Number(one.seeder),
    );
    return inPartyTurns(inOrder, ({ party }) => party, countParties(this.#asked()));
  }

  /** Drops answers that are too slow, or that hold too many bytes together. */
  #outdated(nowMs: number): Runner[] {
    const drop = this.#asked().filter(({ asked }) => {
      const ms = waitedMs(asked, nowMs);
      return ms >= SLOW_MS && (asked.bytes * 1000) / ms < MIN_RATE;
    });
    for (const runner of drop) this.#giveUp(runner, nowMs);
    const left = this.#asked().sort((one, other) => leftMs(one.asked) - leftMs(other.asked));
    let held = left.reduce((sum, { asked }) => sum + asked.bytes, 0);
    while (held > MAX_HELD_BYTES && left.length > 1) {
      const worst = left.pop();
      if (!worst) break;
      held -= worst.asked.bytes;
      this.#giveUp(worst, nowMs);
      drop.push(worst);
    }
    return drop;
  }

  /** How many of `wanted` peers may be asked now; drops some asked peers to make room. */
  #makeRoom(wanted: number, nowMs: number, drop: Runner[]): number {
    const asked = this.#asked();
    const senders = asked.filter(({ asked: { rate } }) => rate >= MIN_RATE);
    if (senders.length > 0) return this.#roomAmongSenders(senders, asked, { wanted, nowMs, drop });
    const excess = asked.length + wanted - MAX_ASKED;
    if (excess <= 0) return wanted;
    const silent = this.#silent(nowMs).slice(0, excess);
    for (const runner of silent) this.#giveUp(runner, nowMs);
    const waiting = this.#waiting(nowMs).slice(0, excess - silent.length);
    for (const runner of waiting) this.#release(runner);
    drop.push(...silent, ...waiting);
    return wanted - excess + silent.length + waiting.length;
  }

  /** Asked peers that have waited long to be dialed. They have not failed. */
  #waiting(nowMs: number): Runner[] {
    return this.#asked().filter(
      ({ asked: { dialedMs, sinceMs } }) => dialedMs === undefined && nowMs - sinceMs >= TURN_MS,
    );
  }

  /**
   * Asked peers whose time is up, the first dialed first. A peer that was never asked need not wait for the extended
   * time of peers that failed before, if they are more than half of the maximum.
   */
  #silent(nowMs: number): Runner[] {
    const asked = this.#asked();
    const isNew = ({ peer }: Runner): boolean => this.#retries.countOf(peer) === 0;
    const newWaits = [...this.#runners.values()].some((runner) => !runner.asked && isNew(runner));
    const isShort = newWaits && asked.filter((runner) => !isNew(runner)).length > MAX_ASKED / 2;
    return asked
      .filter(({ peer, asked }) => {
        return waitedMs(asked, nowMs) >= (isShort ? SILENT_MS : this.#retries.silentMs(peer));
      })
      .sort((one, other) => waitedMs(other.asked, nowMs) - waitedMs(one.asked, nowMs));
  }

  #roomAmongSenders(
    senders: (Runner & { asked: Asked })[],
    asked: readonly (Runner & { asked: Asked })[],
    { wanted, nowMs, drop }: { wanted: number; nowMs: number; drop: Runner[] },
  ): number {
    const fresh = asked.filter(
      ({ asked: { dialedMs, bytes } }) =>
        bytes === 0 && dialedMs !== undefined && nowMs - dialedMs < SILENT_MS,
    );
    const room = Math.min(wanted, MAX_SENDERS - senders.length - fresh.length, MAX_ASKED - asked.length);
    if (room > 0) return room;
    if (senders.length < MAX_SENDERS || nowMs - this.#replacedMs < PATIENCE_MS) return 0;
    senders.sort((one, other) => leftMs(one.asked) - leftMs(other.asked));
    const worst = senders.at(-1);
    if (!worst || leftMs(worst.asked) <= SOON_MS) return 0;
    this.#replacedMs = nowMs;
    this.#giveUp(worst, nowMs);
    drop.push(worst);
    return 1;
  }

  #giveUp(
    runner: Runner,
    nowMs: number,
    failure: Failure = 'silent or refused',
    retryAfterMs?: number,
  ): void {
    this.#release(runner);
    this.#retries.failed(runner.peer, nowMs, failure, retryAfterMs);
  }

  #release(runner: Runner): void {
    runner.asked = undefined;
    if (!runner.named) this.#runners.delete(runner.peer);
  }

  #waitMs(nowMs: number): number {
    if (this.#runners.size === 0) return IDLE_MS;
    if (this.#asked().length > 0) return HEAD_START_MS;
    const nextMs = Math.min(...[...this.#runners.keys()].map((peer) => this.#retries.notBeforeMs(peer)));
    return Math.max(HEAD_START_MS, nextMs - nowMs);
  }
}

function measure(asked: Asked, nowMs: number): void {
  const { seen, bytes } = asked;
  if (nowMs - seen.atMs < HEAD_START_MS / 2) return;
  asked.rate = ((bytes - seen.bytes) * 1000) / (nowMs - seen.atMs);
  asked.seen = { atMs: nowMs, bytes };
}

/** How long the peer could have answered. */
function waitedMs({ dialedMs }: Asked, nowMs: number): number {
  return dialedMs === undefined ? 0 : nowMs - dialedMs;
}

/** Time that the rest takes at this rate. */
function leftMs({ rate, total, bytes }: Asked): number {
  return rate === 0 ? Infinity : ((total - bytes) * 1000) / rate;
}

function isWorthWaiting(asked: Asked): boolean {
  return asked.rate >= GOOD_RATE || (asked.rate >= MIN_RATE && leftMs(asked) <= SOON_MS);
}
