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
  /** For the log. @default none */
  readonly hints?: LeftOutHints;
}

/** Entries looked at in parallel. */
const LOOKS_AT_ONCE = 8;
/** Entries hashed at the same time: the next is looked for while one is hashed on all threads; more would only share the disk. */
const HASHED_AT_ONCE = 2;
/** Kinds of errors that are not the entry's fault. */
const PASSING = new Set(['exhausted', 'internal', 'unavailable']);

/**
 * Keeps what is offered from a folder the same as what is in it: runs the decisions of
 * {@link SharedFolder} over the transfers. Nothing that happens in the folder ends it.
 */
export class FolderSharing implements Startable {
  readonly #rules: SharedFolder;
  readonly #offers: FolderOffers;
  /** Looks and their effects come one after the other; shares run beside them. */
  readonly #turns = new Serial();
  readonly #jobs = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  /** What was last said of what cannot be shared. */
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
    // What an entry is when it is quiet is known by then.
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

  /** Does what a look, or the end of a share, asks for. */
  #turn(decide: () => FolderEffect[] | Promise<FolderEffect[]>): Promise<void> {
    return this.#turns.run(async () => {
      if (!this.#isRunning) return;
      for (const effect of await decide()) {
        // One that fails, such as for a full disk, takes none of the others with it; sweeps try again.
        await this.#carryOut(effect).catch((error: unknown) => {
          this.parts.log.error(
            { err: error },
            `what is shared of ${effect.name} could not be brought up to date`,
          );
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
          `the shared folder ${folder.path} is not there: nothing of it is shared until it is`,
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
    if (kind === 'recheck') return this.#withdraw(name, await this.#offers.outdated(name), 'it changes');
    this.#complaints.delete(name);
    this.#leftOut.forget(name);
    await this.#withdraw(name, this.#offers.of(name), 'it is not in the shared folder any more');
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

  /** Has exactly that offered that the entry is now. */
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
      // What changed in the meantime may be noted as if it had been hashed. The end of the agent is no change.
      if ((signal.aborted && this.#isRunning) || (await folder.lookAt(name)) !== before) {
        await this.#withdraw(name, this.#offers.of(name), 'it changed while it was read');
        return 'changed';
      }
      log.info({ infohash: transfer.infohash }, `${name} is shared from the shared folder`);
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
    // What is gone, or changed before our eyes, is seen by the next look.
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

  /** Offers them no more from there; from elsewhere they still may be. */
  async #withdraw(entry: string, transfers: readonly Transfer[], why: string): Promise<void> {
    for (const transfer of transfers) {
      const { infohash, name } = transfer;
      await this.parts.transfers.withdraw(transfer, join(this.parts.folder.path, entry));
      this.parts.log.info({ infohash }, `${name} is withdrawn: ${why}`);
    }
  }

  /** Says it once, until something else is to be said of that entry. */
  #complain(name: string, text: string, cause?: unknown): void {
    if (this.#complaints.get(name) === text) return;
    this.#complaints.set(name, text);
    const isOurs = cause !== undefined && EnjambreError.from(cause).code === 'internal';
    this.parts.log.warn(isOurs ? { err: cause } : {}, text);
  }
}
