import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import { failed, inDoubt, NO_FAILURE, type TransferRecord } from '../../domain/transfer-record.js';
import { ContentSearch } from './content-search.js';
import { looksUnchanged, type CopiesChange } from './copy-looks.js';
import { contentChanged, haltReason, membershipOf, type Content } from '../content.js';
import { TransferTimings } from './transfer-timings.js';
import { Download } from '../download/download.js';
import { logFailure, logIfFailed, saveProgress } from './ending.js';
import { Holding } from './holding.js';
import { publish, type WholeContent } from './inventory.js';
import { Ledger } from '../agent/ledger.js';
import type { TransferLimits } from '../agent/limits.js';
import type { Membership, MembershipEvent } from '../ports/tracker.js';
import { Presence } from './presence.js';
import { checkDeletable, forget, type Removal, type RemovalOptions } from './removal.js';
import { Resolution } from './resolution.js';
import type { Running } from './room.js';
import { beginSeeding, Seeding } from './seeding.js';
import type { Serving } from '../upload/serving.js';
import { StateMachine } from './state-machine.js';
import type { Remedy, RunOptions, TransferComponents } from './transfer-components.js';
import type { TransferRun } from './transfer-run.js';
import {
  firstActiveState,
  idleStateOf,
  initialState,
  viewOf,
  waitOf,
  type TransferState,
  type TransferView,
} from './transfer-view.js';

/** Clears a pause or failure. */
const TO_RUN = { goal: 'run', ...NO_FAILURE } as const;

/**
 * One file or folder that this agent shares or downloads, in all its states. Its `goal` is persistent; its state
 * follows from the goal. Changes of the goal run one at a time.
 */
export class Transfer {
  readonly #its: Holding;
  readonly #states: StateMachine;
  readonly #ledger: Ledger;
  /** Its rate limits and priority. */
  readonly limits: TransferLimits;
  readonly seeding: Seeding;
  readonly #resolution: Resolution;
  readonly #contentSearch: ContentSearch;
  readonly #timings: TransferTimings;
  readonly #presence: Presence;
  readonly #serial = new Serial();

  constructor(
    record: TransferRecord,
    private readonly parts: TransferComponents,
  ) {
    this.#its = new Holding(record, parts);
    this.#states = new StateMachine(initialState(record), (state) => {
      this.#timings.entered(state, this.#its.record);
      parts.changed();
    });
    this.limits = parts.limits.forTransfer(record);
    this.seeding = new Seeding(parts, this);
    this.#ledger = new Ledger(record, { ...parts, nowMs: () => parts.clock.nowMs() });
    this.#timings = new TransferTimings(parts.clock, record);
    this.#contentSearch = new ContentSearch(parts, record.infohash, {
      ...this.#its.seen,
      checking: () => this.#states.enter('checking'),
      missing: () => this.#rest(),
    });
    const membership = (): Membership => membershipOf(this.record, this.#its.content?.metainfo);
    this.#presence = new Presence(parts, record, membership);
    this.#resolution = new Resolution(parts);
  }

  get infohash(): InfoHash {
    return this.#its.record.infohash;
  }

  get name(): string {
    return this.#its.record.name;
  }

  /** The places of its content, and whether the content already has its final name there. */
  get home(): Pick<TransferRecord, 'origin' | 'location' | 'inPlace' | 'copies'> {
    return this.#its.record;
  }

  get state(): TransferState {
    return this.#states.state;
  }

  /** The reason code of the error that stopped it in this process; empty if there was none. */
  get fault(): string {
    return this.#states.fault?.reason ?? '';
  }

  /** What peers can fetch; undefined while nothing is served. */
  get serving(): Serving | undefined {
    return this.#states.serving;
  }

  /** Known peers of its download, and those with an open link. */
  get linkCounts(): { known: number; ready: number } | undefined {
    return this.#states.download?.linkCounts;
  }

  get need(): Running | undefined {
    return this.state === 'downloading' ? this.#its.need : undefined;
  }

  /** The persistent state, as of now. */
  get record(): TransferRecord {
    return {
      ...this.#its.record,
      ...this.#ledger.record,
      ...this.limits.settings,
      doneBytes: this.#its.doneBytes,
      ...this.#timings.record,
    };
  }

  view(): TransferView {
    return viewOf({
      record: this.record,
      states: this.#states,
      content: this.#its.content,
      have: this.#its.have,
      ledger: this.#ledger,
      bans: this.parts.bans,
      seedLimits: this.seeding.limits,
      checked: this.#contentSearch.checked,
      waiting: waitOf(this.#contentSearch, this.#resolution, this.#states.download),
      trackerAway: !this.parts.tracker.connected,
    });
  }

  /** True if the copy in use, or the copy at `path`, is unchanged since it was found complete. Reads no content. */
  async isUnchanged(path?: string): Promise<boolean> {
    return looksUnchanged(this.#its.content, this.#its.record, this.parts.stores, path);
  }

  /** Changes its record, and with it perhaps the copy in use. False if `change` leaves no copy. */
  amend(change: CopiesChange): Promise<boolean> {
    return this.#serial.run(async () => {
      const changed = await change(this.#its.record, this.#its.content);
      if (changed?.location === undefined) this.#its.note(changed ?? {});
      else await this.#again('the file is now served from another path', changed);
      if (changed?.published && this.state === 'seeding') this.#presence.tell('update');
      return changed !== undefined;
    });
  }

  /** Starts work towards the goal. `event` tells the tracker if the transfer is new (`started`) or known (`update`). */
  start(event: 'started' | 'update'): Promise<void> {
    return this.#serial.run(() => this.#begin(event));
  }

  /** Resolves when it seeds, waits for missing content, has failed, or is halted. */
  readonly settled = (): Promise<void> => this.#states.run?.settled ?? Promise.resolve();

  pause(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#its.record.goal !== 'pause') await this.#pauseWith('the file was paused', NO_FAILURE);
    });
  }

  /**
   * Resumes after a pause or a failure, and checks again for missing content; no effect on a running transfer. After a
   * failure, damaged content is repaired. One that has finished seeds on, without the limits that are reached.
   */
  resume(): Promise<void> {
    return this.#serial.run(async () => {
      const { goal } = this.#its.record;
      if (goal === 'run' && this.state !== 'missing') return;
      this.seeding.lift();
      await this.#again('the transfer restarts', TO_RUN, goal === 'failed' ? 'repair' : 'none');
    });
  }

  /** Moves a download with its partial data to another folder. If that fails, resumes in the old one and throws. */
  relocate(folder: string): Promise<void> {
    return this.#serial.run(async () => {
      await this.#halt('STOPPING', 'the transfer moves to another folder');
      const moved = await this.#its.moveTo(folder);
      const isGone = this.state === 'missing' && !moved.error;
      await this.#again('the transfer restarts', { ...moved.change, ...TO_RUN }, isGone ? 'fetch' : 'none');
      if (moved.error) throw moved.error;
    });
  }

  /** Hashes all content on disk again; fetches damaged and missing pieces of a download. */
  verify(): Promise<void> {
    return this.#serial.run(() => {
      const change = { ...inDoubt(this.#its.record, this.state === 'missing'), ...TO_RUN };
      return this.#again('the file is being checked', change, 'fetch');
    });
  }

  /** Changes the place of its content, or makes it fetch the content. Undoes the change and throws if saving fails. */
  become(change: Partial<TransferRecord>, event: 'started' | 'update'): Promise<void> {
    return this.#serial.run(async () => {
      await this.#halt('STOPPING', 'the file is now served from another path');
      this.#presence.withdraw();
      const refused = await this.#its.become(change);
      await this.#begin(refused ? 'update' : event);
      if (refused) throw refused;
    });
  }

  /**
   * Removes the transfer permanently. Throws as {@link checkDeletable} does, and disk errors: the transfer then stays,
   * in state `failed` if some of its files may already be gone.
   */
  remove(options: RemovalOptions): Promise<Removal> {
    return this.#serial.run(async () => {
      checkDeletable(this.#its.record, options);
      await this.#halt(options.reason ?? 'REMOVED', 'the file is no longer shared');
      this.#presence.withdraw();
      const outcome = await forget(this.record, this.#its.content?.store, this.parts, options);
      if ('removal' in outcome) return outcome.removal;
      const { error, touched } = outcome;
      if (touched) this.#noteFailed(error, { recheck: true });
      else await this.#begin('update');
      // The transfer still exists, and must after a crash. The record saver retries if this fails.
      await this.parts.save().catch(() => undefined);
      throw error;
    });
  }

  /** Stops all work before the process ends; keeps the goal and all progress. */
  stop(): Promise<void> {
    return this.#serial.run(() => this.#halt('STOPPING', 'the agent is stopping'));
  }

  /** Restarts with a changed record; only changes the record if the goal is not `run`. */
  async #again(message: string, change: Partial<TransferRecord>, remedy: Remedy = 'none'): Promise<void> {
    await this.#halt(remedy === 'fetch' ? 'CHECKING' : 'STOPPING', message);
    await this.#its.turnInto(change);
    await this.#begin('update', remedy);
  }

  async #begin(event: MembershipEvent, remedy: Remedy = 'none'): Promise<void> {
    await this.#its.open();
    if (this.#its.record.goal !== 'run') {
      const state = idleStateOf(this.#its.record);
      if (this.state !== state) this.#states.rest(state);
      return;
    }
    // The time of a pause ends here, not when the run enters its first state.
    this.#timings.entered(this.#its.content ? 'checking' : 'resolving', this.#its.record);
    this.#states.begin(
      firstActiveState(this.#its.record),
      (signal) => this.#perform({ event, remedy, signal }),
      (run, error) => this.#fail(run, error),
    );
  }

  /** The whole run: metainfo, check, download, seeding. Returns early if halted. */
  async #perform(run: RunOptions): Promise<void> {
    const halted = (): boolean => run.signal.aborted;
    const known = this.#its.content ?? (await this.#resolve(run.signal));
    const found = known && !halted() && (await this.#contentSearch.run(known, this.#its.record, run));
    if (!found || halted()) return;
    const { content, have, isOther, change } = found;
    this.#its.note(change, content);
    this.#its.have = have;
    if (isOther) throw contentChanged(content.store.path);
    if (content.selection.isDone(have)) return this.#finish(found, run);
    const assembly = await this.#its.assemble(content, have);
    if (!halted()) await this.#fetch(assembly, have, run);
    if (!halted()) await this.#finish({ content: assembly }, { ...run, event: 'completed' });
  }

  /** Finds the metainfo in the swarm. Undefined if halted. */
  async #resolve(signal: AbortSignal): Promise<Content | undefined> {
    this.#states.enter('resolving');
    const found = await this.#resolution.run(this.#its.record, signal);
    if (found) this.#its.identified(found);
    return found?.content;
  }

  /** Waits for missing content. */
  #rest(): void {
    if (this.state !== 'missing') this.#presence.withdraw();
    this.#states.enter('missing');
    this.#states.run?.rest();
  }

  /** Resolves when all pieces are verified, or when halted. */
  async #fetch(content: Content, have: Bitfield, { event, signal }: RunOptions): Promise<void> {
    const download = new Download({
      ...this.parts,
      content,
      have,
      ledger: this.#ledger,
      limits: this.limits,
      account: this.#timings.account,
      progress: this.parts.archive.progress(this.infohash),
      announce: () => this.#presence.tell('update'),
      claimed: (saved) => this.#its.note({ recheck: !saved }),
      damaged: this.#damaged,
    });
    const { serving } = download;
    this.#its.have = download.have;
    this.#states.offer({ kind: 'part', serving, download });
    this.#states.enter('downloading');
    this.#presence.downloads(event);
    await download.complete(signal);
    if (signal.aborted) return;
    this.#states.finishing = 'writing all data to the disk';
    await download.stop('COMPLETE', 'the download is complete');
    // All pieces must be recorded before the content gets its final name: see findPublished.
    await download.checkpoint();
    this.#states.offer({ kind: 'unpublished', serving });
  }

  /** All pieces are verified: publishes the content and seeds it. */
  async #finish(fetched: WholeContent, run: RunOptions): Promise<void> {
    this.#states.finishing = 'syncing the disk, and giving the content its final name';
    const options = this.#contentSearch.inventoryOptions(run);
    const { content, ...noted } = await publish(fetched, this.#its.record, options);
    this.#its.content = content;
    // Another agent's copy replaced the part that has been served so far.
    if (content !== fetched.content) this.#states.withdraw('the file is now served from another path');
    await this.#its.complete(noted);
    this.#timings.stop();
    this.#its.have = content.selection.pieces.clone();
    const whole = { ...content, have: this.#its.have, ledger: this.#ledger, damaged: this.#damaged };
    const parts = { ...this.parts, ...whole, share: this.limits.upload };
    beginSeeding(this.#states, parts, {
      resealed: (fingerprint) => this.#its.note({ fingerprint }),
      sent: () => this.#presence.tell('numbers'),
      elapsed: this.#checkSeeding,
    });
    this.#presence.offers(run.event);
    this.#checkSeeding();
  }

  /** Ends the seeding if a limit is reached. */
  readonly #checkSeeding = (): void => {
    const [run, end] = [this.#states.run, this.seeding.look()];
    if (!end) return;
    const done = this.#serial.run(async () => {
      if (this.#states.run !== run) return;
      await this.#pauseWith('the file is no longer shared', end);
      this.parts.log.info({ infohash: this.infohash, reason: end.reason }, `${this.name}: ${end.message}`);
    });
    logIfFailed(done, this.parts.log, 'the seeding could not be ended');
  };

  /** Stops, and records why. */
  async #pauseWith(text: string, why: Pick<TransferRecord, 'reason' | 'message'>): Promise<void> {
    await this.#halt('PAUSED', text);
    this.#its.record = { ...this.#its.record, goal: 'pause', reason: why.reason, message: why.message };
    this.#states.rest(idleStateOf(this.#its.record));
    this.#presence.leave(idleStateOf(this.#its.record));
  }

  /** The content changed or is gone: it must no longer be served. */
  readonly #damaged = (cause: unknown): void => {
    if (this.#states.run) this.#fail(this.#states.run, cause);
  };

  #fail(run: TransferRun, cause: unknown): void {
    const done = this.#serial.run(async () => {
      // The failed run is no longer the current one. Its failure may still put the content in doubt.
      if (this.#states.run !== run) {
        this.#its.note({ recheck: failed(this.#its.record, cause).recheck });
        return;
      }
      await this.#halt(haltReason(cause), 'the transfer failed');
      const lost = await this.#contentSearch.changeIfMissing(cause, this.#its.content, this.#its.record);
      if (lost) return this.#again('the content is missing', lost);
      this.#noteFailed(cause);
      this.#presence.leave('failed', this.#its.record);
    });
    logIfFailed(done, this.parts.log, 'a failed transfer could not be stopped');
  }

  #noteFailed(cause: unknown, change: Partial<TransferRecord> = {}): void {
    this.#its.record = { ...failed(this.#its.record, cause), ...change };
    const fault = EnjambreError.from(cause);
    this.parts.meter.failed(fault);
    this.#states.rest('failed', fault);
    logFailure(this.parts.log, this.#its.record, cause);
  }

  /** Stops all work and saves the progress. */
  async #halt(reason: string, message: string): Promise<void> {
    const download = await this.#states.halt(reason, message);
    await saveProgress(download, this.parts.log, this.name);
    await this.#its.content?.store.close();
    this.#timings.stop();
  }
}
