import { shortId, type InfoHash, type PeerId } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { BanList, newestFirst, type Ban, type Party, type Warning } from '../../domain/ban-list.js';
import { findBan } from '../../domain/ban-ref.js';
import type { BanArchive } from '../ports/archives.js';
import type { TrackerPort } from '../ports/tracker.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

/** A peer that misbehaved, and in which swarm. */
export interface Offender extends Party {
  readonly infohash: InfoHash;
}

export interface BansComponents {
  readonly archive: BanArchive;
  readonly tracker: Pick<TrackerPort, 'reportBan'>;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Delay until changes are saved. */
const SAVE_DELAY_MS = 200;

/** The agent's ban list. Bans are saved to disk, logged, and reported to the tracker. */
export class Bans implements Startable {
  readonly #parts: BansComponents;
  readonly #list = new BanList();
  readonly #saving = new Serial();
  #saveTimer: Timer | undefined;
  #count = 0;

  constructor(parts: BansComponents) {
    this.#parts = parts;
  }

  /** Number of bans imposed by this process. */
  get count(): number {
    return this.#count;
  }

  /** Loads the bans of earlier processes. */
  async start(): Promise<void> {
    this.#list.restore(await this.#parts.archive.load(), this.#nowMs);
  }

  async stop(): Promise<void> {
    if (this.#saveTimer) await this.#save();
  }

  /** Counts a bad piece; one too many leads to a ban. */
  offend(offender: Offender, reason: string): Warning {
    const { infohash } = offender;
    return this.#settle(offender, this.#list.offend(offender, { infohash, reason }, this.#nowMs));
  }

  /** Forgives the bad pieces of a peer that reports that its content has changed: they were not an attack. */
  pardon(peer: PeerId, infohash: InfoHash): void {
    this.#list.pardon(peer, infohash, this.#nowMs);
  }

  /** Bans a peer at once. */
  ban(offender: Offender, reason: string): void {
    this.#banned(offender, this.#list.ban(offender, reason, this.#nowMs));
  }

  /** Counts a protocol violation; one too many leads to a ban. */
  strike(offender: Offender, breach: string): Warning {
    return this.#settle(offender, this.#list.strike(offender, breach, this.#nowMs));
  }

  /** Why a peer is banned; undefined if it is not. */
  reasonFor(peer: PeerId): string | undefined {
    return this.#list.reasonFor(peer, this.#nowMs);
  }

  /** Bans in force, newest first. */
  list(): Ban[] {
    return this.#list.snapshot(this.#nowMs).sort(newestFirst);
  }

  /** Lifts a ban; survives a crash once this resolves. Throws as {@link findBan} does. */
  async lift(peer: string): Promise<Ban> {
    const ban = findBan(peer, this.list());
    this.#list.lift(ban.peerId);
    this.#parts.log.info({ peer: peerOf(ban) }, `peer ${titleOf(ban)} is no longer banned`);
    await this.#save();
    return ban;
  }

  /** Wall-clock time, since bans are saved across processes. */
  get #nowMs(): number {
    return this.#parts.clock.epochMs();
  }

  #settle(offender: Offender, outcome: Ban | Warning): Warning {
    if ('parkMs' in outcome) return outcome;
    this.#banned(offender, outcome);
    return { parkMs: 0, isRepeated: true };
  }

  #banned({ infohash }: Offender, ban: Ban): void {
    this.#count += 1;
    const { log, tracker, clock } = this.#parts;
    log.warn({ peer: peerOf(ban), file: { infohash } }, `peer ${titleOf(ban)} is banned: ${ban.reason}`);
    tracker.reportBan({ peerId: ban.peerId, reason: ban.reason, infohash });
    this.#saveTimer ??= clock.after(SAVE_DELAY_MS, () => {
      this.#save().catch((error: unknown) => {
        log.error(
          { err: error },
          'bans.json cannot be written: current bans will be lost when the agent stops',
        );
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

/** A field of the log. */
function peerOf({ peerId, name }: Ban): object {
  return { id: peerId, ...(name !== '' && { name }) };
}
