import { shortId, type InfoHash, type PeerId } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { BanList, newestFirst, type Ban, type Party } from '../../domain/ban-list.js';
import { findBan } from '../../domain/ban-ref.js';
import type { BanArchive } from '../ports/archives.js';
import type { TrackerPort } from '../ports/tracker.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

/** Who did wrong, and in which swarm. */
export interface Offender extends Party {
  readonly infohash: InfoHash;
}

export interface BansComponents {
  readonly archive: BanArchive;
  readonly tracker: Pick<TrackerPort, 'reportBan'>;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The file follows changes after so long. */
const SAVE_DELAY_MS = 200;

/** The agent's ban list: kept on disk, logged, and told to the tracker. */
export class Bans implements Startable {
  readonly #parts: BansComponents;
  readonly #list = new BanList();
  readonly #saving = new Serial();
  #saveTimer: Timer | undefined;
  #count = 0;

  constructor(parts: BansComponents) {
    this.#parts = parts;
  }

  /** Peers that this process has banned. */
  get count(): number {
    return this.#count;
  }

  /** Takes up the bans of the process before. */
  async start(): Promise<void> {
    this.#list.restore(await this.#parts.archive.load(), this.#nowMs);
  }

  async stop(): Promise<void> {
    if (this.#saveTimer) await this.#save();
  }

  /**
   * Counts a bad piece; one too many is a ban. Returns for how many milliseconds the download is to leave the peer alone,
   * if it is none.
   */
  offend(offender: Offender, reason: string): number {
    const { infohash } = offender;
    const outcome = this.#list.offend(offender, { infohash, reason }, this.#nowMs);
    if ('parkMs' in outcome) return outcome.parkMs;
    this.#banned(offender, outcome);
    return 0;
  }

  /** The peer says that what it offered has changed: bad pieces of it were no ill will. */
  pardon(peer: PeerId, infohash: InfoHash): void {
    this.#list.pardon(peer, infohash, this.#nowMs);
  }

  /** Deals with a peer no more. */
  ban(offender: Offender, reason: string): void {
    this.#banned(offender, this.#list.ban(offender, reason, this.#nowMs));
  }

  /** Counts a breach of the protocol; one too many is a ban. */
  strike(offender: Offender, breach: string): void {
    const ban = this.#list.strike(offender, breach, this.#nowMs);
    if (ban) this.#banned(offender, ban);
  }

  /** Why a peer is banned; undefined if it is not. */
  reasonFor(peer: PeerId): string | undefined {
    return this.#list.reasonFor(peer, this.#nowMs);
  }

  /** Those that hold, the newest first. */
  list(): Ban[] {
    return this.#list.snapshot(this.#nowMs).sort(newestFirst);
  }

  /** Lifts one, for good once this resolves. Throws as {@link findBan} does. */
  async lift(peer: string): Promise<Ban> {
    const ban = findBan(peer, this.list());
    this.#list.lift(ban.peerId);
    this.#parts.log.info({ peer: ban.peerId }, `the ban of peer ${titleOf(ban)} is lifted`);
    await this.#save();
    return ban;
  }

  /** Bans outlive the process. */
  get #nowMs(): number {
    return this.#parts.clock.epochMs();
  }

  #banned({ infohash }: Offender, ban: Ban): void {
    this.#count += 1;
    const { log, tracker, clock } = this.#parts;
    log.warn({ peer: ban.peerId, infohash }, `peer ${titleOf(ban)} is banned: ${ban.reason}`);
    tracker.reportBan({ peerId: ban.peerId, reason: ban.reason, infohash });
    this.#saveTimer ??= clock.after(SAVE_DELAY_MS, () => {
      this.#save().catch((error: unknown) => {
        log.error({ err: error }, 'bans.json cannot be written: the bans last as long as this process');
      });
    });
  }

  #save(): Promise<void> {
    this.#saveTimer?.cancel();
    this.#saveTimer = undefined;
    return this.#saving.run(() => this.#parts.archive.save(this.#list.snapshot(this.#nowMs)));
  }
}

function titleOf({ name, peerId }: Party): string {
  return name === '' ? shortId(peerId) : `${name} (${shortId(peerId)})`;
}
