import type { Labels } from '@enjambre/core/labels';
import { distanceBetween, placeOf, type Distance } from '@enjambre/core/locality';
import { seededRandom, type Random } from '@enjambre/peer-agent/domain/random';
import { TICK_MS } from '@enjambre/peer-agent/domain/swarm-constants';
import { Agenda } from './agenda.js';
import { Copies } from './copies.js';
import { Downlink } from './downlink.js';
import { Host } from './host.js';
import type { Link, Machine, Way } from './link.js';
import { resultOf, type SimulationResult } from './result.js';
import type { Moment, Scenario } from './scenario.js';
import { TokenLayout } from './token-layout.js';
import { Tracker } from './tracker.js';
import type { Tally, World } from './world.js';

/** Interval of the check for a standstill. */
const PATROL_MS = 10_000;
/** Upper bound on the wait of an honest request for its answer, and on the idle time of an unfinished swarm. */
const MAX_SILENCE_MS = 300_000;

/**
 * Runs a scenario until all live downloaders are done, or until nothing moves because pieces died
 * with their holders. Invariants are checked during the run; a violation ends it with an error
 * that says how to repeat the run. The same scenario and seed give the same run.
 */
export class Simulation implements World {
  readonly agenda = new Agenda();
  readonly layout: TokenLayout;
  readonly tally: Tally = {
    storedBlocks: 0,
    duplicateBytes: 0,
    spoiltBytes: 0,
    maxOutstandingBytes: 0,
    crossed: new Map(),
  };
  readonly hosts: readonly Host[];
  readonly #byId: ReadonlyMap<string, Host>;
  readonly #random: Random;
  readonly #tracker: Tracker;
  readonly #copies: Copies;
  readonly #trunks = new Map<string, Downlink>();
  readonly #verified = new Map<Machine, Set<number>>();
  readonly #banned: Machine[] = [];
  /** Joins and deaths that wait for progress of the first hosts. */
  #waiting: { readonly pieces: number; readonly action: () => void }[] = [];
  readonly #first: ReadonlySet<Machine>;
  #firstPieces = 0;
  /** Downloaders, live or yet to join, that are not done. */
  #pending = new Set<Machine>();
  #movedMs = 0;
  #movedBlocks = 0;

  constructor(
    readonly scenario: Scenario,
    readonly seed: number,
  ) {
    this.layout = new TokenLayout(scenario.content);
    this.#random = seededRandom(seed);
    this.#tracker = new Tracker(this.agenda, scenario.content, (host) => this.#labelsOf(host), this.#random);
    this.#copies = new Copies(this.layout.pieceCount);
    this.hosts = scenario.hosts.map((spec, index) => new Host(this, index, spec, this.#drawSeed()));
    this.#byId = new Map(this.hosts.map((host) => [host.id, host]));
    this.#first = new Set(this.hosts.filter(({ download, spec }) => download && !spec.joins));
    for (const host of this.hosts) this.#plan(host);
    this.#patrolLater();
  }

  run(): SimulationResult {
    while (this.#pending.size > 0 && this.agenda.step());
    this.#checkEnd();
    return resultOf(this, { banned: this.#banned, lostPieces: this.#copies.lost() });
  }

  latencyMs(link: Link): number {
    return link.downloader.spec.latencyMs + link.uploader.spec.latencyMs;
  }

  distance(link: Link): Distance {
    return distanceBetween(placeOf(this.#labelsOf(link.downloader)), placeOf(this.#labelsOf(link.uploader)));
  }

  trunk(link: Link): Way | undefined {
    const [from, to] = [link.uploader.spec.zone, link.downloader.spec.zone];
    const { trunk } = this.scenario;
    if (trunk === undefined || from === to) return undefined;
    const key = `${from}>${to}`;
    let found = this.#trunks.get(key);
    if (!found) this.#trunks.set(key, (found = new Downlink(this.agenda, trunk / 1000)));
    return found;
  }

  host(id: string): Host {
    return this.#byId.get(id) ?? this.fail(`there is no host ${id}`);
  }

  verified(host: Machine, piece: number): void {
    const pieces = this.#verified.get(host);
    if (!pieces || pieces.has(piece)) this.fail(`piece ${piece} was verified twice`);
    pieces.add(piece);
    this.#copies.add(piece);
    if (!this.#first.has(host)) return;
    this.#firstPieces += 1;
    if (this.#waiting.some(({ pieces: due }) => due <= this.#firstPieces)) this.#runDue();
  }

  completed(host: Machine): void {
    if (!host.have.isFull()) this.fail('an incomplete download was reported complete');
    this.#pending.delete(host);
    this.#tracker.completed(host);
  }

  widen(host: Machine): void {
    this.agenda.in(host.spec.latencyMs, () => {
      if (host.alive) this.#tracker.widen(host);
    });
  }

  banned(by: Machine, culprit: Machine): void {
    if (culprit.isHonest) this.fail(`host ${by.index} banned the honest host ${culprit.index}`);
    this.#banned.push(culprit);
  }

  fail(message: string): never {
    const changed = Object.entries(this.scenario.engine ?? {}).map(([name, value]) => `${name}=${value}`);
    const engine = changed.length > 0 ? ` SIM_ENGINE=${changed.join(',')}` : '';
    const again = `SIM_SCENARIO=${this.scenario.name} SIM_SEED=${this.seed}${engine}`;
    throw new Error(`${message} (at ${this.agenda.nowMs.toFixed(3)} ms; to repeat: ${again})`);
  }

  #plan(host: Host): void {
    this.#verified.set(host, new Set());
    if (host.download) this.#pending.add(host);
    const { joins, dies } = host.spec;
    this.#when(joins ?? { ms: 0 }, () => {
      this.#join(host);
    });
    if (dies) {
      this.#when(dies, () => {
        this.#kill(host);
      });
    }
  }

  #when(moment: Moment, action: () => void): void {
    if ('ms' in moment) return this.agenda.at(moment.ms, action);
    const pieces = Math.ceil(moment.share * this.#first.size * this.layout.pieceCount);
    this.#waiting.push({ pieces, action });
  }

  #runDue(): void {
    const due = this.#waiting.filter(({ pieces }) => pieces <= this.#firstPieces);
    this.#waiting = this.#waiting.filter(({ pieces }) => pieces > this.#firstPieces);
    for (const { action } of due) this.agenda.in(0, action);
  }

  #join(host: Host): void {
    host.alive = true;
    host.joinedMs = this.agenda.nowMs;
    this.#copies.addAll(host.have);
    this.agenda.in(host.spec.latencyMs, () => {
      if (host.alive) this.#tracker.joined(host);
    });
    host.download?.start(this.#random() * TICK_MS);
  }

  /** Breaks its streams: other hosts notice after the latency, or after the scenario's `noticeMs`. */
  #kill(host: Host): void {
    if (!host.alive) return;
    host.alive = false;
    this.#pending.delete(host);
    this.#copies.removeAll(host.have);
    const noticeMs = this.scenario.noticeMs ?? 0;
    for (const link of host.uploader.links) {
      this.agenda.in(noticeMs + this.latencyMs(link), () => link.downloader.download?.lost(link));
    }
    for (const link of host.download?.links() ?? []) {
      this.agenda.in(noticeMs + this.latencyMs(link), () => {
        link.uploader.uploader.close(link);
      });
    }
    this.agenda.in(noticeMs + host.spec.latencyMs, () => {
      this.#tracker.left(host);
    });
  }

  #patrolLater(): void {
    this.agenda.in(PATROL_MS, () => {
      this.#patrol();
    });
  }

  /** Runs until the swarm has stopped for good. */
  #patrol(): void {
    const { nowMs } = this.agenda;
    for (const host of this.hosts) {
      if (!host.alive) continue;
      for (const { owed, uploader } of host.download?.links() ?? []) {
        for (const { askedMs } of owed.values()) {
          if (uploader.alive && nowMs - askedMs > MAX_SILENCE_MS) this.fail('a request was never answered');
          break; // The first one is the oldest.
        }
      }
    }
    if (this.tally.storedBlocks > this.#movedBlocks) this.#movedMs = nowMs;
    this.#movedBlocks = this.tally.storedBlocks;
    if (nowMs - this.#movedMs < MAX_SILENCE_MS) this.#patrolLater();
    else this.#stalled();
  }

  /** After a standstill, each host must have all pieces that any honest live host has. */
  #stalled(): void {
    const givers = this.hosts.filter(({ alive, isHonest }) => alive && isHonest);
    for (const host of this.#pending) {
      if (!host.alive) continue;
      for (let piece = 0; piece < this.layout.pieceCount; piece++) {
        if (host.have.has(piece) || !givers.some(({ have }) => have.has(piece))) continue;
        if (host.isHonest) this.fail(`host ${host.index} lacks piece ${piece}, which others have`);
      }
    }
    this.#pending.clear();
  }

  #checkEnd(): void {
    for (const host of this.hosts) {
      if (host.alive && host.download && this.#verified.get(host)?.size !== host.have.count) {
        this.fail(`host ${host.index} has pieces other than the verified ones`);
      }
      this.#checkCrossed(host);
    }
  }

  /** Content of a zone that had none of it must have come from other zones. */
  #checkCrossed({ download, spec: { zone } }: Host): void {
    if (zone === undefined || download?.finishedMs === undefined) return;
    if (this.hosts.some(({ spec }) => spec.seeder && spec.zone === zone)) return;
    const bytes = this.tally.crossed.get(zone) ?? 0;
    if (bytes < this.layout.totalLength)
      this.fail(`zone ${zone} has more than the ${bytes} bytes that came in`);
  }

  /** Location of a host, as far as it knows it. */
  #labelsOf({ spec }: Machine): Labels {
    return spec.zone === undefined || this.scenario.blind ? {} : { zone: spec.zone };
  }

  #drawSeed(): number {
    return Math.floor(this.#random() * 2 ** 32);
  }
}
