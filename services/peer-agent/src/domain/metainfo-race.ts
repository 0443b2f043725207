import type { PeerId } from '@enjambre/core/ids';
import type { Random } from './random.js';
import { RetryTimes, type Failure } from './retry-times.js';

/** How long those who were asked have for themselves before others are asked as well. */
const HEAD_START_MS = 150;
/** The same while somebody sends at a good rate: more senders only share the way to here. */
const PATIENCE_MS = 1000;
/** A peer that was asked and has sent nothing for this time is called silent. Its time may be longer: see {@link RetryTimes}. */
const SILENT_MS = 500;
/** Peers asked at a time. The silent ones among them make room for others. */
const MAX_ASKED = 50;
/** Peers that send at a time, when all send at least {@link MIN_RATE}. */
const MAX_SENDERS = 4;
/** Bytes a second below which a peer counts as silent, and after {@link SLOW_MS} as failed. */
const MIN_RATE = 16 << 10;
const SLOW_MS = 30_000;
/** Who needs no longer than this, or sends at this rate, is waited for. */
const SOON_MS = 3000;
const GOOD_RATE = 256 << 10;
/** Bytes held of all answers under way; the best one may hold more. */
const MAX_HELD_BYTES = 64 << 20;
/** Nobody is known. */
const IDLE_MS = 60_000;

/** An answer under way. */
interface Asked {
  readonly sinceMs: number;
  bytes: number;
  /** Length of the whole, as the peer says; 0 before it does. */
  total: number;
  /** Bytes a second between the last two looks. */
  rate: number;
  /** The last look. */
  seen: { readonly atMs: number; readonly bytes: number };
}

interface Runner {
  readonly peer: PeerId;
  seeder: boolean;
  /** False once nobody names it any more: an answer that is under way still counts. */
  named: boolean;
  asked: Asked | undefined;
}

/** What is to be done now. */
export interface RaceStep {
  readonly ask: readonly PeerId[];
  /** Asked, and not worth waiting for any longer: they are asked again later. */
  readonly drop: readonly PeerId[];
  /** All known peers were asked, and none of them sends: others are needed. */
  readonly needsPeers: boolean;
  /** When to look again at the latest, in milliseconds from now. */
  readonly waitMs: number;
}

/** How one answer under way stands. */
export interface RaceAnswer {
  readonly peer: PeerId;
  readonly askedMs: number;
  readonly silent: boolean;
  /** From 0 to 1. */
  readonly done: number;
}

/**
 * Decides whom to ask for a metainfo. The first good answer wins, so each peer has only a short head start: as long as none sends,
 * twice as many are asked each time. When some send, a few of them are enough. Peers that do not send make room for others.
 */
export class MetainfoRace {
  readonly #runners = new Map<PeerId, Runner>();
  readonly #retries: RetryTimes;
  /** Peers asked next time. */
  #batch = 1;
  #lastMs = -Infinity;
  /** So many failed since, and others may be asked instead. */
  #failed = 0;
  #replacedMs = -Infinity;

  constructor(random: Random) {
    this.#retries = new RetryTimes(random);
  }

  get size(): number {
    return this.#runners.size;
  }

  know(peer: PeerId, seeder: boolean): void {
    const known = this.#runners.get(peer);
    if (known) Object.assign(known, { seeder, named: true });
    else this.#runners.set(peer, { peer, seeder, named: true, asked: undefined });
  }

  /** Nobody names it any more. When it failed is kept in mind, in case it is named again. */
  forget(peer: PeerId): void {
    const runner = this.#runners.get(peer);
    if (runner?.asked) runner.named = false;
    else this.#runners.delete(peer);
  }

  received(peer: PeerId, { bytes, total }: { readonly bytes: number; readonly total: number }): void {
    const asked = this.#runners.get(peer)?.asked;
    if (asked) Object.assign(asked, { bytes, total });
  }

  /** It did not give the metainfo: another one is asked at once. */
  failed(peer: PeerId, nowMs: number, failure: Failure = 'silent or refused'): void {
    const runner = this.#runners.get(peer);
    if (!runner?.asked) return;
    this.#giveUp(runner, nowMs, failure);
    this.#failed += 1;
  }

  answers(nowMs: number): RaceAnswer[] {
    return this.#asked().map(({ peer, asked }) => ({
      peer,
      askedMs: nowMs - asked.sinceMs,
      silent: nowMs - asked.sinceMs >= SILENT_MS && asked.rate < MIN_RATE,
      done: asked.total > 0 ? asked.bytes / asked.total : 0,
    }));
  }

  step(nowMs: number): RaceStep {
    for (const { asked } of this.#asked()) measure(asked, nowMs);
    const drop = this.#outdated(nowMs);
    const ready = this.#ready(nowMs);
    const wanted = Math.min(this.#due(nowMs), ready.length);
    const ask = wanted > 0 ? ready.slice(0, this.#makeRoom(wanted, nowMs, drop)) : [];
    const seen = { atMs: nowMs, bytes: 0 };
    for (const runner of ask) runner.asked = { sinceMs: nowMs, bytes: 0, total: 0, rate: 0, seen };
    return {
      ask: ask.map(({ peer }) => peer),
      drop: drop.map(({ peer }) => peer),
      needsPeers: ask.length === ready.length && !this.#asked().some(({ asked }) => asked.rate >= MIN_RATE),
      waitMs: this.#waitMs(nowMs),
    };
  }

  /** How many peers are to be asked now. */
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

  /** Those that may be asked now: those that failed least first, of these seeders. */
  #ready(nowMs: number): Runner[] {
    const failures = ({ peer }: Runner): number => this.#retries.countOf(peer);
    return [...this.#runners.values()]
      .filter(({ asked, peer }) => !asked && this.#retries.notBeforeMs(peer) <= nowMs)
      .sort((one, other) => failures(one) - failures(other) || Number(other.seeder) - Number(one.seeder));
  }

  /** Gives up answers that are too slow, or too many bytes together. */
  #outdated(nowMs: number): Runner[] {
    const drop = this.#asked().filter(
      ({ asked: { sinceMs, bytes } }) =>
        nowMs - sinceMs >= SLOW_MS && (bytes * 1000) / (nowMs - sinceMs) < MIN_RATE,
    );
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

  /** How many of `wanted` peers may be asked now; some that were asked are given up for them. */
  #makeRoom(wanted: number, nowMs: number, drop: Runner[]): number {
    const asked = this.#asked();
    const senders = asked.filter(({ asked: { rate } }) => rate >= MIN_RATE);
    if (senders.length > 0) return this.#roomAmongSenders(senders, asked, { wanted, nowMs, drop });
    const excess = asked.length + wanted - MAX_ASKED;
    if (excess <= 0) return wanted;
    const silent = this.#silent(nowMs).slice(0, excess);
    for (const runner of silent) this.#giveUp(runner, nowMs);
    drop.push(...silent);
    return wanted - excess + silent.length;
  }

  /**
   * Those whose time is over, the longest asked first. A peer that was never asked does not wait for more than half of
   * all to use up the longer time of those that failed before.
   */
  #silent(nowMs: number): Runner[] {
    const asked = this.#asked();
    const isNew = ({ peer }: Runner): boolean => this.#retries.countOf(peer) === 0;
    const newWaits = [...this.#runners.values()].some((runner) => !runner.asked && isNew(runner));
    const isShort = newWaits && asked.filter((runner) => !isNew(runner)).length > MAX_ASKED / 2;
    return asked
      .filter(({ peer, asked: { sinceMs } }) => {
        return nowMs - sinceMs >= (isShort ? SILENT_MS : this.#retries.silentMs(peer));
      })
      .sort((one, other) => one.asked.sinceMs - other.asked.sinceMs);
  }

  #roomAmongSenders(
    senders: (Runner & { asked: Asked })[],
    asked: readonly (Runner & { asked: Asked })[],
    { wanted, nowMs, drop }: { wanted: number; nowMs: number; drop: Runner[] },
  ): number {
    const fresh = asked.filter(({ asked: { sinceMs, bytes } }) => bytes === 0 && nowMs - sinceMs < SILENT_MS);
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

  #giveUp(runner: Runner, nowMs: number, failure: Failure = 'silent or refused'): void {
    runner.asked = undefined;
    if (!runner.named) this.#runners.delete(runner.peer);
    this.#retries.failed(runner.peer, nowMs, failure);
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

/** How long the rest takes at this rate. */
function leftMs({ rate, total, bytes }: Asked): number {
  return rate === 0 ? Infinity : ((total - bytes) * 1000) / rate;
}

function isWorthWaiting(asked: Asked): boolean {
  return asked.rate >= GOOD_RATE || (asked.rate >= MIN_RATE && leftMs(asked) <= SOON_MS);
}
