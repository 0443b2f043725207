import type { Clock, Timer } from '@enjambre/common/async/clock';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import type { Random } from '../../domain/random.js';
import { isDoneSeeding, type TransferRecord } from '../../domain/transfer-record.js';
import { newerVersion } from '../../domain/newer-version.js';
import { byPublisher } from '../../domain/publication.js';
import { noting } from './copy-looks.js';
import { placeOf } from './targets.js';
import type { SharedFile, TrackerPort } from '../ports/tracker.js';
import type { Transfer } from './transfer.js';
import type { Transfers } from './transfers.js';

export interface FollowingComponents {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly tracker: Pick<TrackerPort, 'connected' | 'findFiles'>;
  readonly random: Random;
  readonly log: Logger;
}

export interface FollowingInit {
  /** Interval at which the tracker is asked for newer versions, in milliseconds; a quarter of it is random. */
  readonly intervalMs: number;
}

/** Moves the downloads that follow a name to each new version of their publisher. */
export class Following implements Startable {
  /** The last problem with each of them, so that it is logged once. */
  readonly #complaints = new Map<string, string>();
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  /** Ends the present look-up; undefined while this does not run. */
  #stopping: AbortController | undefined;

  constructor(
    private readonly parts: FollowingComponents,
    private readonly init: FollowingInit,
  ) {}

  start(): Promise<void> {
    this.#stopping = new AbortController();
    this.#schedule();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    this.#stopping = undefined;
    this.#timer?.cancel();
    await this.#looking;
  }

  /** Many agents follow one name: they do not ask at the same moment. */
  #schedule(): void {
    if (!this.#stopping) return;
    const { clock, random } = this.parts;
    this.#timer = clock.after(this.init.intervalMs * (1 - random() / 4), () => {
      this.#looking = this.#lookAtAll().finally(() => this.#schedule());
    });
  }

  async #lookAtAll(): Promise<void> {
    const signal = this.#stopping?.signal ?? AbortSignal.abort();
    for (const transfer of [...this.parts.transfers.all()]) {
      const { record } = transfer;
      const isPaused = record.goal === 'pause' && !isDoneSeeding(record);
      if (!record.follow || isPaused || signal.aborted || !this.parts.tracker.connected) continue;
      try {
        await this.#look(transfer, signal);
        this.#complaints.delete(transfer.infohash);
      } catch (error) {
        this.#complain(transfer, error);
      }
    }
  }

  async #look(transfer: Transfer, signal: AbortSignal): Promise<void> {
    const { transfers, tracker } = this.parts;
    const { record } = transfer;
    const publisher = record.publication?.publisher.id;
    if (publisher === undefined) return;
    const files = await tracker.findFiles(record.name.trim(), { publisher, signal });
    if (!transfers.has(transfer) || !transfer.record.follow) return;
    const newer = newerVersion(record, files);
    if (newer) await this.#move(transfer, newer);
    else await this.#renumber(transfer, files);
  }

  async #move(transfer: Transfer, newer: SharedFile): Promise<void> {
    const { transfers, log } = this.parts;
    const { name, publication } = transfer.record;
    const its = publication && byPublisher(newer, publication.publisher.id);
    if (!its) return;
    const { infohash, disputed } = newer;
    const size = disputed ? 0 : newer.size;
    const begun = transfers.at(infohash)?.record;
    if (!begun?.follow || !isSamePlace(begun, transfer.record))
      await transfers.moveOn(transfer, { infohash, name, size, askedByName: true, publications: [its] });
    const by = `${its.publisher.name} (${its.publisher.id.slice(0, 8)})`;
    log.info({ infohash }, `${name}: moving on to version ${its.version} of ${by}`);
    // The newer one follows from now on. After a crash before this, the next look finds it and does the same.
    await transfer.amend(noting({ follow: false }));
    if (transfers.has(transfer)) await transfers.save(transfer);
  }

  /** Notes the number of the present version, which changes with a tracker that has lost its memory. */
  async #renumber(transfer: Transfer, files: readonly SharedFile[]): Promise<void> {
    const { infohash, publication } = transfer.record;
    const file = files.find((its) => its.infohash === infohash);
    const its = file && publication && byPublisher(file, publication.publisher.id);
    if (!its) return;
    const { version, publishedAtMs, signed } = publication;
    const isSame = its.version === version && its.publishedAtMs === publishedAtMs;
    // A tracker keeps the signatures of the newest versions only.
    if (!isSame || (its.signed ?? signed) !== signed)
      await transfer.amend(noting({ publication: { ...(signed !== undefined && { signed }), ...its } }));
  }

  #complain({ infohash, name }: Transfer, error: unknown): void {
    if (!this.#stopping) return;
    const { message } = EnjambreError.from(error);
    if (this.#complaints.get(infohash) === message) return;
    this.#complaints.set(infohash, message);
    this.parts.log.warn({ err: error, infohash }, `${name} cannot move on to a newer version: ${message}`);
  }
}

function isSamePlace(one: TransferRecord, other: TransferRecord): boolean {
  const [its, place] = [placeOf(one), placeOf(other)];
  return its.folder === place.folder && its.name === place.name;
}
