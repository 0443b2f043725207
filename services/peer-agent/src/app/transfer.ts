import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import { failed, inDoubt, incomplete, type TransferRecord } from '../domain/transfer-record.js';
import { noteComplete } from './completion.js';
import { ContentSearch } from './content-search.js';
import { looksUnchanged, type CopiesChange } from './copy-looks.js';
import { contentChanged, haltReason, membershipOf, openContent, type Content } from './content.js';
import { DownloadClock } from './download-clock.js';
import { DownloadRun } from './download-run.js';
import { openAssembly, publish, type WholeContent } from './inventory.js';
import { Ledger } from './ledger.js';
import type { TransferLimits } from './limits.js';
import { Offering } from './offering.js';
import type { MembershipEvent } from './ports.js';
import { Presence } from './presence.js';
import { checkDeletable, forget, type Removal, type RemovalOptions } from './removal.js';
import { Resolution } from './resolution.js';
import type { Serving } from './serving.js';
import { endMove, takeAlong, tryDisk } from './target-claim.js';
import type { Remedy, RunOptions, TransferComponents } from './transfer-components.js';
import { startRun, type TransferRun } from './transfer-run.js';
import { bytesDoneOf, initialState, viewOf, type TransferState, type TransferView } from './transfer-view.js';

/** It is to run, whatever has stopped it. */
const TO_RUN = { goal: 'run', reason: '' } as const;

/**
 * One file or folder that this agent shares or downloads, through all its states. What
 * it is to do (`goal`) outlives the process; what it does follows from it. Changes of
 * the goal run one after the other.
 */
export class Transfer {
  #record: TransferRecord;
  #state: TransferState;
  #content: Content | undefined;
  #have: Bitfield | undefined;
  readonly #ledger: Ledger;
  /** How fast it may send and receive. */
  readonly limits: TransferLimits;
  readonly #offering = new Offering();
  #download: DownloadRun | undefined;
  readonly #resolution: Resolution;
  readonly #contentSearch: ContentSearch;
  #fault: EnjambreError | undefined;
  readonly #clock: DownloadClock;
  readonly #presence: Presence;
  #run: TransferRun | undefined;
  readonly #serial = new Serial();

  constructor(
    record: TransferRecord,
    private readonly parts: TransferComponents,
  ) {
    this.#record = record;
    this.#state = initialState(record);
    this.limits = parts.limits.forTransfer(record);
    this.#ledger = new Ledger(record, { ...parts, nowMs: () => performance.now() });
    this.#clock = new DownloadClock(record);
    this.#contentSearch = new ContentSearch(parts, record.infohash, {
      had: () => this.#have,
      checking: () => this.#enter('checking'),
      moved: (content, change) => this.#note(change, content),
      missing: () => this.#rest(),
      naming: (assembly) => this.#note({ assembly }),
    });
    this.#presence = new Presence(parts, record, () => membershipOf(this.record, this.#content?.metainfo));
    this.#resolution = new Resolution(parts);
  }

  get infohash(): InfoHash {
    return this.#record.infohash;
  }

  get name(): string {
    return this.#record.name;
  }

  /** Whether it was shared from here, where it is or goes, and whether its content has its own name there already. */
  get home(): Pick<TransferRecord, 'origin' | 'location' | 'inPlace' | 'copies'> {
    return this.#record;
  }

  get state(): TransferState {
    return this.#state;
  }

  /** The reason of the error that has stopped it in this process; empty if none has. */
  get fault(): string {
    return this.#state === 'failed' ? (this.#fault?.reason ?? '') : '';
  }

  /** What others may fetch; undefined while nothing is served. */
  get serving(): Serving | undefined {
    return this.#offering.serving;
  }

  /** Peers of its download that are known, and those that a link stands to. */
  get linkCounts(): { known: number; ready: number } | undefined {
    return this.#download?.linkCounts;
  }

  /** What is to outlive the process, as of now. */
  get record(): TransferRecord {
    return {
      ...this.#record,
      ...this.#ledger.record,
      ...this.limits.settings,
      bytesDone: bytesDoneOf(this.#record, this.#content, this.#have),
      ...this.#clock.record,
    };
  }

  view(): TransferView {
    return viewOf({
      record: this.record,
      state: this.#state,
      content: this.#content,
      have: this.#have,
      ledger: this.#ledger,
      bans: this.parts.bans,
      serves: this.serving !== undefined,
      checked: this.#contentSearch.checked,
      waiting: this.#contentSearch.reason || (this.#resolution.problem ?? this.#download?.problem ?? ''),
      trackerAway: !this.parts.tracker.connected,
    });
  }

  /** True if the content on disk looks as it did when it was complete; where it is used, or at another path that it has. */
  async isUnchanged(path?: string): Promise<boolean> {
    return looksUnchanged(this.#content, this.#record, this.parts.stores, path);
  }

  /** Changes what is known of its copies; another may be used then. False if `change` says that there is none. */
  changeCopies(change: CopiesChange): Promise<boolean> {
    return this.#serial.run(async () => {
      const changed = await change(this.#record, this.#content);
      if (changed?.location === undefined) this.#note(changed ?? {});
      else await this.#again('the file is served from another place', changed);
      return changed !== undefined;
    });
  }

  /** Does what the goal says. `event` tells the tracker whether it is new (`started`) or not (`update`). */
  start(event: 'started' | 'update'): Promise<void> {
    return this.#serial.run(() => this.#begin(event));
  }

  /** Resolves when it seeds, waits for what is missing, or has failed; or when it is told to do something else. */
  readonly settled = (): Promise<void> => this.#run?.settled ?? Promise.resolve();

  pause(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#record.goal === 'pause') return;
      await this.#halt('PAUSED', 'the file was paused');
      this.#record = { ...this.#record, goal: 'pause', reason: '' };
      this.#enter('paused');
      this.#presence.leave('paused');
    });
  }

  /**
   * Goes on after a pause or a failure, and looks again at what is missing; does nothing to a transfer that runs.
   * Content that made it fail is mended.
   */
  resume(): Promise<void> {
    return this.#serial.run(async () => {
      const { goal } = this.#record;
      if (goal === 'run' && this.#state !== 'missing') return;
      await this.#again('the transfer starts again', TO_RUN, goal === 'failed' ? 'mend' : 'none');
    });
  }

  /** Goes on with a download in another folder, and takes what is there of it along; or, if that fails, where it was. */
  relocate(folder: string): Promise<void> {
    return this.#serial.run(async () => {
      await this.#halt('STOPPING', 'the transfer moves to another folder');
      const record = { ...this.#record, movingTo: folder };
      const moved = await takeAlong(this.#content?.metainfo, record, this.parts, () => this.#note(record));
      const isGone = this.#state === 'missing' && !moved.error;
      const change = { ...moved.change, ...TO_RUN };
      await this.#again('the transfer starts again', change, isGone ? 'fetch' : 'none');
      if (moved.error) throw moved.error;
    });
  }

  /** Reads all that is on disk again; what is wrong or missing is fetched again. */
  verify(): Promise<void> {
    return this.#serial.run(() => {
      const change = { ...inDoubt(this.#record, this.#state === 'missing'), ...TO_RUN };
      return this.#again('the file is being checked', change, 'fetch');
    });
  }

  /**
   * Ends it for good. Throws as {@link checkDeletable} does, and what the disk refuses: then it stays what it was, but has
   * failed if some of its files may be gone.
   */
  remove(options: RemovalOptions): Promise<Removal> {
    return this.#serial.run(async () => {
      checkDeletable(this.#record, options);
      await this.#halt(options.reason ?? 'REMOVED', 'the file is no longer shared');
      this.#presence.withdraw();
      const outcome = await forget(this.record, this.#content?.store, this.parts, options);
      if ('removal' in outcome) return outcome.removal;
      const { error, touched } = outcome;
      if (touched) this.#noteFailed(error, { recheck: true });
      else await this.#begin('update');
      // That it is there after all must survive a crash. If that cannot be saved now, it is tried again.
      await this.parts.save().catch(() => undefined);
      throw error;
    });
  }

  /** Ends all work, for the end of the process: the goal stays, and so does all progress. */
  stop(): Promise<void> {
    return this.#serial.run(() => this.#halt('STOPPING', 'the agent is stopping'));
  }

  /** Begins again with a changed record; if its goal is not to run, only that. */
  async #again(message: string, change: Partial<TransferRecord>, remedy: Remedy = 'none'): Promise<void> {
    await this.#halt(remedy === 'fetch' ? 'CHECKING' : 'STOPPING', message);
    if (change.location !== undefined) this.#content = undefined;
    this.#note(change);
    await this.#begin('update', remedy);
  }

  async #begin(event: MembershipEvent, remedy: Remedy = 'none'): Promise<void> {
    const metainfo = this.#content ? undefined : await this.parts.archive.readMetainfo(this.infohash);
    this.#record = await endMove(metainfo ?? this.#content?.metainfo, this.#record, this.parts);
    if (metainfo) this.#content = openContent(metainfo, this.#record, this.parts.stores);
    this.#state = initialState(this.#record);
    if (this.#record.goal !== 'run') return;
    // A pause ends here, not when what follows has found out what it is to do.
    this.#clock.entered(this.#content ? 'checking' : 'resolving', this.#record);
    this.#run = startRun(
      (signal) => this.#perform({ event, remedy, signal }),
      (error) => this.#fail(error),
    );
  }

  /** From wherever it is to the end, or until it is halted. */
  async #perform(run: RunOptions): Promise<void> {
    const halted = (): boolean => run.signal.aborted;
    const known = this.#content ?? (await this.#resolve(run.signal));
    const found = known && !halted() && (await this.#contentSearch.run(known, this.#record, run));
    if (!found || halted()) return;
    const { content, have, isOther, change } = found;
    this.#note(change, content);
    this.#have = have;
    if (isOther) throw contentChanged(content.store.path);
    if (have.isFull()) return this.#finish(found, run);
    this.#record = incomplete(this.#record);
    const { content: assembly, ...place } = await openAssembly(content, this.#record, this.parts.stores);
    const isNews = place.ownFiles !== this.#record.ownFiles;
    this.#note(place, assembly);
    // Before the first of these files is made: whose it is must survive a crash.
    if (isNews) await this.parts.save();
    this.#content = await tryDisk(assembly, have, this.#record, this.parts);
    if (!halted()) await this.#fetch(assembly, have, run);
    if (!halted()) await this.#finish({ content: assembly }, { ...run, event: 'completed' });
  }

  /** Finds the metainfo in the swarm. Undefined if halted. */
  async #resolve(signal: AbortSignal): Promise<Content | undefined> {
    this.#enter('resolving');
    const found = await this.#resolution.run(this.#record, signal);
    if (!found) return undefined;
    this.#record = found.record;
    this.#content = found.content;
    return this.#content;
  }

  /** Waits for content that is missing. */
  #rest(): void {
    if (this.#state !== 'missing') this.#presence.withdraw();
    this.#enter('missing');
    this.#run?.rests();
  }

  /** Resolves when all pieces are there, or when halted. */
  async #fetch(content: Content, have: Bitfield, { event, signal }: RunOptions): Promise<void> {
    const download = new DownloadRun({
      ...this.parts,
      content,
      have,
      ledger: this.#ledger,
      limits: this.limits,
      account: this.#clock.account,
      progress: this.parts.archive.progress(this.infohash),
      announce: () => this.#presence.tell('update'),
      claimed: (saved) => this.#note({ recheck: !saved }),
      damaged: this.#damaged,
    });
    this.#download = download;
    this.#have = download.have;
    this.#offering.begin(download.serving);
    this.#enter('downloading');
    this.#presence.downloads(event);
    await download.complete(signal);
    if (signal.aborted) return;
    await download.stop('COMPLETE', 'the download is complete');
    // The claim of all pieces before the content gets its name: see findPublished.
    await download.checkpoint();
    this.#download = undefined;
  }

  /** All pieces are there: put the content in its place, and seed. */
  async #finish(fetched: WholeContent, run: RunOptions): Promise<void> {
    const options = this.#contentSearch.inventoryOptions(run);
    const { content, ...noted } = await publish(fetched, this.#record, options);
    this.#content = content;
    // What was served so far came from the part that the other's copy has replaced.
    if (content !== fetched.content) this.#offering.end('the file is served from another place');
    const note = (record: TransferRecord): void => void (this.#record = record);
    await noteComplete(this.#record, noted, { ...this.parts, note });
    this.#clock.stop();
    this.#have = Bitfield.full(content.layout.pieceCount);
    const whole = { ...content, have: this.#have, ledger: this.#ledger, damaged: this.#damaged };
    this.#offering.seed({
      ...this.parts,
      ...whole,
      share: this.limits.upload,
      resealed: (fingerprint) => this.#note({ fingerprint }),
      sent: () => this.#presence.tell('numbers'),
    });
    this.#enter('seeding');
    this.#presence.offers(run.event);
  }

  #note(change: Partial<TransferRecord>, content = this.#content): void {
    this.#content = content;
    this.#record = { ...this.#record, ...change };
    if (change.location !== undefined) this.parts.moved();
    this.parts.changed();
  }

  /** The content is not what it was: it must not be served as that. */
  readonly #damaged = (cause: unknown): void => {
    if (this.#run) this.#fail(cause);
  };

  #fail(cause: unknown): void {
    const run = this.#run;
    this.#serial
      .run(async () => {
        // It was told to do something else meanwhile; what is in doubt by that stays so.
        if (this.#run !== run) {
          this.#note({ recheck: failed(this.#record, cause).recheck });
          return;
        }
        await this.#halt(haltReason(cause), 'the transfer failed');
        const lost = await this.#contentSearch.changeIfMissing(cause, this.#content, this.#record);
        if (lost) return this.#again('its content is missing', lost);
        this.#noteFailed(cause);
        this.#presence.leave('failed', this.#record.reason);
      })
      .catch((failure: unknown) => {
        this.parts.log.error({ err: failure }, 'a failed transfer could not be stopped');
      });
  }

  #noteFailed(cause: unknown, change: Partial<TransferRecord> = {}): void {
    this.#record = { ...failed(this.#record, cause), ...change };
    this.#fault = EnjambreError.from(cause);
    this.parts.meter.failed(this.#fault);
    this.#enter('failed');
    this.parts.log.error({ err: cause }, `${this.name || shortId(this.infohash)}: ${this.#record.reason}`);
  }

  /** Stops all work and saves how far it came. */
  async #halt(reason: string, message: string): Promise<void> {
    const [run, download] = [this.#run, this.#download];
    this.#run = undefined;
    this.#download = undefined;
    this.#offering.endChores();
    run?.abort.abort();
    await download?.stop(reason, message);
    await run?.done;
    this.#offering.end(message, reason);
    await download?.checkpoint().catch((error: unknown) => {
      this.parts.log.warn({ err: error }, `progress of ${this.name} could not be saved`);
    });
    await this.#content?.store.close();
    this.#clock.stop();
  }

  #enter(state: TransferState): void {
    this.#state = state;
    this.#clock.entered(state, this.#record);
    this.parts.changed();
  }
}
