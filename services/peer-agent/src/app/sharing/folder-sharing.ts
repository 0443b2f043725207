import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import pLimit from 'p-limit';
import {
  SharedFolder,
  type FolderEffect,
  type SharedFolderInit,
  type ShareOutcome,
} from '../../domain/shared-folder.js';
import { FolderOffers } from './folder-offers.js';
import { LeftOutLog, type LeftOutHints } from './left-out-log.js';
import type { ContentHasher, WatchedFolder } from '../ports/sharing.js';
import type { TransferArchive } from '../ports/archives.js';
import type { Transfer } from '../transfer/transfer.js';
import type { Transfers } from '../transfer/transfers.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

export interface FolderSharingComponents {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly hasher: ContentHasher;
  readonly archive: TransferArchive;
  readonly folder: WatchedFolder;
  readonly log: Logger;
}

interface FolderSharingInit extends SharedFolderInit {
  /** Hints in the log on entries that are not shared. @default none */
  readonly hints?: LeftOutHints;
}

/** Maximum number of entries checked concurrently. */
const LOOKS_AT_ONCE = 8;
/** Entries hashed concurrently: one uses all threads while the next is prepared; more would compete for the disk. */
const HASHED_AT_ONCE = 2;
/** Codes of errors that the entry does not cause: a retry may succeed. */
const PASSING = new Set(['exhausted', 'internal', 'unavailable']);

/**
 * Keeps the shares of a folder in line with its content: carries out the decisions of {@link SharedFolder}. No event in
 * the folder stops it.
 */
export class FolderSharing implements Startable {
  readonly #rules: SharedFolder;
  readonly #offers: FolderOffers;
  /** Serialises checks and their effects; shares run concurrently. */
  readonly #turns = new Serial();
  readonly #jobs = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  /** The last warning about each entry that cannot be shared, and, with an empty name, about the folder. */
  readonly #complaints = new Map<string, string>();
  readonly #leftOut: LeftOutLog;
  readonly #limit = pLimit(LOOKS_AT_ONCE);
  readonly #hashing = pLimit(HASHED_AT_ONCE);
  #timer: Timer | undefined;
  #wakeAtMs = Infinity;
  #isRunning = false;

  constructor(
    private readonly parts: FolderSharingComponents,
    private readonly init: FolderSharingInit,
  ) {
    this.#rules = new SharedFolder(init);
    this.#leftOut = new LeftOutLog(parts.log, init.hints ?? {});
    // Downloads must be noticed before an entry counts as finished.
    this.#offers = new FolderOffers(parts, init.quietMs / 4);
  }

  start(): Promise<void> {
    this.#isRunning = true;
    this.parts.folder.watch({
      changed: (name) => {
        this.#rules.touched(name, this.#nowMs);
        this.#wakeBy(this.#nowMs + this.init.noticeMs);
      },
      changedAll: () => {
        this.#rules.touchedAll(this.#nowMs);
        this.#wakeBy(this.#nowMs + this.init.noticeMs);
      },
    });
    this.#wakeBy(this.#nowMs);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#timer?.cancel();
    for (const { abort } of this.#jobs.values()) abort.abort();
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
    await this.#turns.idle();
    await this.parts.folder.close();
  }

  get #nowMs(): number {
    return this.parts.clock.nowMs();
  }

  #wakeBy(atMs: number): void {
    if (!this.#isRunning || atMs >= this.#wakeAtMs) return;
    this.#timer?.cancel();
    this.#wakeAtMs = atMs;
    this.#timer = this.parts.clock.after(Math.max(0, atMs - this.#nowMs), () => {
      this.#wakeAtMs = Infinity;
      void this.#turn(() => this.#look());
    });
  }

  /** Carries out the effects of a check or of a finished share. */
  #turn(decide: () => FolderEffect[] | Promise<FolderEffect[]>): Promise<void> {
    return this.#turns.run(async () => {
      if (!this.#isRunning) return;
      for (const effect of await decide()) {
        // A failed effect, such as on a full disk, must not prevent the others; full scans retry it.
        await this.#carryOut(effect).catch((error: unknown) => {
          this.parts.log.error({ err: error }, `the shares of ${effect.name} could not be updated`);
        });
      }
      this.#wakeBy(this.#rules.nextLookMs);
    });
  }

  async #look(): Promise<FolderEffect[]> {
    const due = this.#rules.due(this.#nowMs);
    if (due === 'all') return this.#lookAtAll();
    const looks = await Promise.all(
      due.map((name) => this.#limit(async () => ({ name, look: await this.parts.folder.lookAt(name) }))),
    );
    return looks.flatMap(({ name, look }) => this.#rules.seen(name, look, this.#nowMs));
  }

  async #lookAtAll(): Promise<FolderEffect[]> {
    const { folder } = this.parts;
    try {
      const looks = await folder.look();
      if (looks) this.#complaints.delete('');
      else
        this.#complain(
          '',
          `the shared folder ${folder.path} is missing: nothing in it is shared until it is back`,
        );
      return this.#rules.seenAll(looks, this.#offers.names(), this.#nowMs);
    } catch (error) {
      this.#complain('', `the shared folder cannot be read: ${EnjambreError.from(error).message}`, error);
      this.#rules.unreadable(this.#nowMs);
      return [];
    }
  }

  async #carryOut({ kind, name }: FolderEffect): Promise<void> {
    if (kind === 'share') {
      this.#begin(name);
      return;
    }
    this.#jobs.get(name)?.abort.abort();
    if (kind === 'recheck') return this.#withdraw(name, await this.#offers.outdated(name), 'it is changing');
    this.#complaints.delete(name);
    this.#leftOut.forget(name);
    await this.#withdraw(name, this.#offers.of(name), 'it is no longer in the shared folder');
  }

  #begin(name: string): void {
    const abort = new AbortController();
    const done = this.#share(name, abort.signal)
      .catch((error: unknown) => this.#refuse(name, error, abort.signal))
      .then((outcome) => {
        this.#jobs.delete(name);
        void this.#turn(() => this.#rules.ended(name, outcome, this.#nowMs));
      });
    this.#jobs.set(name, { abort, done });
  }

  /** Shares exactly the current content of the entry. */
  async #share(name: string, signal: AbortSignal): Promise<ShareOutcome> {
    const { transfers, hasher, folder, log } = this.parts;
    if (await this.#offers.isDownload(name)) return 'settled';
    const before = await folder.lookAt(name);
    const path = join(folder.path, name);
    const { scan } = folder;
    const content = await hasher.scan(path, { ...scan, signal });
    const same = await this.#offers.sameAs(name, content);
    if (same.length === 0) {
      const inTurn = <T>(read: () => Promise<T>): Promise<T> => this.#hashing(read);
      const options = { path, name: '', pieceLength: 0, signal, progress: () => undefined, scan, inTurn };
      const { transfer } = await transfers.share(options);
      // A change during the share may have been recorded as hashed. A stopping agent also aborts, but is no change.
      if ((signal.aborted && this.#isRunning) || (await folder.lookAt(name)) !== before) {
        await this.#withdraw(name, this.#offers.of(name), 'it changed while it was read');
        return 'changed';
      }
      log.info({ file: { infohash: transfer.infohash, name } }, `${name} is shared from the shared folder`);
      same.push(transfer);
    }
    const others = this.#offers.of(name).filter((transfer) => !same.includes(transfer));
    await this.#withdraw(name, others, 'it was shared again');
    this.#complaints.delete(name);
    this.#leftOut.tell(name, content.leftOut);
    return 'settled';
  }

  async #refuse(name: string, cause: unknown, signal: AbortSignal): Promise<ShareOutcome> {
    const { code, reason, message } = EnjambreError.from(cause);
    // The next check detects an entry that is gone or has changed.
    if (signal.aborted || reason === 'PATH_NOT_FOUND') return 'changed';
    this.#complain(name, `not shared: ${message}`, cause);
    if (reason === 'CHANGED_WHILE_READ') return 'changed';
    if (PASSING.has(code)) return 'failed';
    await this.#withdraw(name, this.#offers.of(name), 'it cannot be shared as it is').catch(
      (error: unknown) => {
        this.parts.log.error({ err: error }, `${name} could not be withdrawn`);
      },
    );
    return 'settled';
  }

  /** Stops sharing the transfers from the entry; copies in other places stay shared. */
  async #withdraw(entry: string, transfers: readonly Transfer[], why: string): Promise<void> {
    for (const transfer of transfers) {
      const { infohash, name } = transfer;
      await this.parts.transfers.withdraw(transfer, join(this.parts.folder.path, entry));
      this.parts.log.info({ file: { infohash, name } }, `${name} is withdrawn: ${why}`);
    }
  }

  /** Logs a warning, unless it is the same as the last one about the entry. */
  #complain(name: string, text: string, cause?: unknown): void {
    if (this.#complaints.get(name) === text) return;
    this.#complaints.set(name, text);
    const isOurs = cause !== undefined && EnjambreError.from(cause).code === 'internal';
    this.parts.log.warn(isOurs ? { err: cause } : {}, text);
  }
}
