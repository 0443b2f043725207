import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import { failed, inDoubt, type TransferRecord } from '../../domain/transfer-record.js';
import { ContentSearch } from './content-search.js';
import { looksUnchanged, type CopiesChange } from './copy-looks.js';
import { contentChanged, haltReason, membershipOf, type Content } from '../content.js';
import { TransferTimings } from './transfer-timings.js';
import { Download } from '../download/download.js';
import { Holding } from './holding.js';
import { publish, type WholeContent } from './inventory.js';
import { Ledger } from '../agent/ledger.js';
import type { TransferLimits } from '../agent/limits.js';
import type { MembershipEvent } from '../ports/tracker.js';
import { Presence } from './presence.js';
import { checkDeletable, forget, type Removal, type RemovalOptions } from './removal.js';
import { Resolution } from './resolution.js';
import { startSeedingChores } from '../upload/seeding-chores.js';
import { Serving, type ServingComponents } from '../upload/serving.js';
import { StateMachine } from './state-machine.js';
import type { Remedy, RunOptions, TransferComponents } from './transfer-components.js';
import type { TransferRun } from './transfer-run.js';
import {
  firstActiveState,
  initialState,
  viewOf,
  type TransferState,
  type TransferView,
} from './transfer-view.js';

/** It is to run, whatever has stopped it. */
const TO_RUN = { goal: 'run', reason: '' } as const;

/**
 * One file or folder that this agent shares or downloads, through all its states. What
 * it is to do (`goal`) outlives the process; what it does follows from it. Changes of
 * the goal run one after the other.
 */
export class Transfer {
  readonly #its: Holding;
  readonly #states: StateMachine;
  readonly #ledger: Ledger;
  /** How fast it may send and receive. */
  readonly limits: TransferLimits;
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
    this.#ledger = new Ledger(record, { ...parts, nowMs: () => parts.clock.nowMs() });
    this.#timings = new TransferTimings(parts.clock, record);
    this.#contentSearch = new ContentSearch(parts, record.infohash, {
      had: () => this.#its.have,
      checking: () => this.#states.enter('checking'),
      moved: (content, change) => this.#its.note(change, content),
      missing: () => this.#rest(),
      naming: (assembly) => this.#its.note({ assembly }),
    });
    this.#presence = new Presence(parts, record, () =>
      membershipOf(this.record, this.#its.content?.metainfo),
    );
    this.#resolution = new Resolution(parts);
  }

  get infohash(): InfoHash {
    return this.#its.record.infohash;
  }

  get name(): string {
    return this.#its.record.name;
  }

  /** Whether it was shared from here, where it is or goes, and whether its content has its own name there already. */
  get home(): Pick<TransferRecord, 'origin' | 'location' | 'inPlace' | 'copies'> {
    return this.#its.record;
  }

  get state(): TransferState {
    return this.#states.state;
  }

  /** The reason of the error that has stopped it in this process; empty if none has. */
  get fault(): string {
    return this.#states.fault?.reason ?? '';
  }

  /** What others may fetch; undefined while nothing is served. */
  get serving(): Serving | undefined {
    return this.#states.serving;
  }

  /** Peers of its download that are known, and those that a link stands to. */
  get linkCounts(): { known: number; ready: number } | undefined {
    return this.#states.download?.linkCounts;
  }

  /** What is to outlive the process, as of now. */
  get record(): TransferRecord {
    return {
      ...this.#its.record,
      ...this.#ledger.record,
      ...this.limits.settings,
      bytesDone: this.#its.bytesDone,
      ...this.#timings.record,
    };
  }

  view(): TransferView {
    return viewOf({
      record: this.record,
      state: this.state,
      content: this.#its.content,
      have: this.#its.have,
      ledger: this.#ledger,
      bans: this.parts.bans,
      serves: this.serving !== undefined,
      checked: this.#contentSearch.checked,
      waiting:
        this.#contentSearch.reason || (this.#resolution.problem ?? this.#states.download?.problem ?? ''),
      trackerAway: !this.parts.tracker.connected,
    });
  }

  /** True if the content on disk looks as it did when it was complete; where it is used, or at another path that it has. */
  async isUnchanged(path?: string): Promise<boolean> {
    return looksUnchanged(this.#its.content, this.#its.record, this.parts.stores, path);
  }

  /** Changes what is known of its copies; another may be used then. False if `change` says that there is none. */
  changeCopies(change: CopiesChange): Promise<boolean> {
    return this.#serial.run(async () => {
      const changed = await change(this.#its.record, this.#its.content);
      if (changed?.location === undefined) this.#its.note(changed ?? {});
      else await this.#again('the file is served from another place', changed);
      return changed !== undefined;
    });
  }

  /** Does what the goal says. `event` tells the tracker whether it is new (`started`) or not (`update`). */
  start(event: 'started' | 'update'): Promise<void> {
    return this.#serial.run(() => this.#begin(event));
  }

  /** Resolves when it seeds, waits for what is missing, or has failed; or when it is told to do something else. */
  readonly settled = (): Promise<void> => this.#states.run?.settled ?? Promise.resolve();

  pause(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#its.record.goal === 'pause') return;
      await this.#halt('PAUSED', 'the file was paused');
      this.#its.record = { ...this.#its.record, goal: 'pause', reason: '' };
      this.#states.rest('paused');
      this.#presence.leave('paused');
    });
  }

  /**
   * Goes on after a pause or a failure, and looks again at what is missing; does nothing to a transfer that runs.
   * Content that made it fail is repaired.
   */
  resume(): Promise<void> {
    return this.#serial.run(async () => {
      const { goal } = this.#its.record;
      if (goal === 'run' && this.state !== 'missing') return;
      await this.#again('the transfer starts again', TO_RUN, goal === 'failed' ? 'repair' : 'none');
    });
  }

  /** Goes on with a download in another folder, and takes what is there of it along; or, if that fails, where it was. */
  relocate(folder: string): Promise<void> {
    return this.#serial.run(async () => {
      await this.#halt('STOPPING', 'the transfer moves to another folder');
      const moved = await this.#its.moveTo(folder);
      const isGone = this.state === 'missing' && !moved.error;
      const change = { ...moved.change, ...TO_RUN };
      await this.#again('the transfer starts again', change, isGone ? 'fetch' : 'none');
      if (moved.error) throw moved.error;
    });
  }

  /** Reads all that is on disk again; what is wrong or missing is fetched again. */
  verify(): Promise<void> {
    return this.#serial.run(() => {
      const change = { ...inDoubt(this.#its.record, this.state === 'missing'), ...TO_RUN };
      return this.#again('the file is being checked', change, 'fetch');
    });
  }

  /** It has its content elsewhere from here on, or is to fetch it. Throws what cannot be saved: then it is what it was. */
  become(change: Partial<TransferRecord>, event: 'started' | 'update'): Promise<void> {
    return this.#serial.run(async () => {
      await this.#halt('STOPPING', 'the file is served from another place');
      this.#presence.withdraw();
      const refused = await this.#its.become(change);
      await this.#begin(refused ? 'update' : event);
      if (refused) throw refused;
    });
  }

  /**
   * Ends it for good. Throws as {@link checkDeletable} does, and what the disk refuses: then it stays what it was, but has
   * failed if some of its files may be gone.
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
    await this.#its.turnInto(change);
    await this.#begin('update', remedy);
  }

  async #begin(event: MembershipEvent, remedy: Remedy = 'none'): Promise<void> {
    await this.#its.open();
    const { goal } = this.#its.record;
    if (goal !== 'run') {
      const state = goal === 'pause' ? 'paused' : 'failed';
      if (this.state !== state) this.#states.rest(state);
      return;
    }
    // A pause ends here, not when what follows has found out what it is to do.
    this.#timings.entered(this.#its.content ? 'checking' : 'resolving', this.#its.record);
    this.#states.begin(
      firstActiveState(this.#its.record),
      (signal) => this.#perform({ event, remedy, signal }),
      (run, error) => this.#fail(run, error),
    );
  }

  /** From wherever it is to the end, or until it is halted. */
  async #perform(run: RunOptions): Promise<void> {
    const halted = (): boolean => run.signal.aborted;
    const known = this.#its.content ?? (await this.#resolve(run.signal));
    const found = known && !halted() && (await this.#contentSearch.run(known, this.#its.record, run));
    if (!found || halted()) return;
    const { content, have, isOther, change } = found;
    this.#its.note(change, content);
    this.#its.have = have;
    if (isOther) throw contentChanged(content.store.path);
    if (have.isFull()) return this.#finish(found, run);
    const assembly = await this.#its.assemble(content, have);
    if (!halted()) await this.#fetch(assembly, have, run);
    if (!halted()) await this.#finish({ content: assembly }, { ...run, event: 'completed' });
  }

  /** Finds the metainfo in the swarm. Undefined if halted. */
  async #resolve(signal: AbortSignal): Promise<Content | undefined> {
    this.#states.enter('resolving');
    const found = await this.#resolution.run(this.#its.record, signal);
    if (!found) return undefined;
    this.#its.record = found.record;
    this.#its.content = found.content;
    return this.#its.content;
  }

  /** Waits for content that is missing. */
  #rest(): void {
    if (this.state !== 'missing') this.#presence.withdraw();
    this.#states.enter('missing');
    this.#states.run?.rest();
  }

  /** Resolves when all pieces are there, or when halted. */
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
    await download.stop('COMPLETE', 'the download is complete');
    // The claim of all pieces before the content gets its name: see findPublished.
    await download.checkpoint();
    this.#states.offer({ kind: 'unpublished', serving });
  }

  /** All pieces are there: put the content in its place, and seed. */
  async #finish(fetched: WholeContent, run: RunOptions): Promise<void> {
    const options = this.#contentSearch.inventoryOptions(run);
    const { content, ...noted } = await publish(fetched, this.#its.record, options);
    this.#its.content = content;
    // What was served so far came from the part that the other's copy has replaced.
    if (content !== fetched.content) this.#states.withdraw('the file is served from another place');
    await this.#its.complete(noted);
    this.#timings.stop();
    this.#its.have = Bitfield.full(content.layout.pieceCount);
    const whole = { ...content, have: this.#its.have, ledger: this.#ledger, damaged: this.#damaged };
    this.#seed({ ...this.parts, ...whole, share: this.limits.upload });
    this.#presence.offers(run.event);
  }

  /** Offers all of the content and checks it in the background. Peers that fetch from the download stay connected. */
  #seed(parts: ServingComponents & Pick<Content, 'store'>): void {
    const serving = this.serving ?? new Serving(parts);
    const endChores = startSeedingChores({
      ...parts,
      damaged: this.#damaged,
      resealed: (fingerprint) => this.#its.note({ fingerprint }),
      sent: () => this.#presence.tell('numbers'),
    });
    if (this.#states.offer({ kind: 'whole', serving, endChores })) this.#states.enter('seeding');
    else endChores(); // Halted while the content was moved to its place.
  }

  /** The content is not what it was: it must not be served as that. */
  readonly #damaged = (cause: unknown): void => {
    if (this.#states.run) this.#fail(this.#states.run, cause);
  };

  #fail(run: TransferRun, cause: unknown): void {
    this.#serial
      .run(async () => {
        // It was told to do something else meanwhile; what is in doubt by that stays so.
        if (this.#states.run !== run) {
          this.#its.note({ recheck: failed(this.#its.record, cause).recheck });
          return;
        }
        await this.#halt(haltReason(cause), 'the transfer failed');
        const lost = await this.#contentSearch.changeIfMissing(cause, this.#its.content, this.#its.record);
        if (lost) return this.#again('its content is missing', lost);
        this.#noteFailed(cause);
        this.#presence.leave('failed', this.#its.record.reason);
      })
      .catch((failure: unknown) => {
        this.parts.log.error({ err: failure }, 'a failed transfer could not be stopped');
      });
  }

  #noteFailed(cause: unknown, change: Partial<TransferRecord> = {}): void {
    this.#its.record = { ...failed(this.#its.record, cause), ...change };
    const fault = EnjambreError.from(cause);
    this.parts.meter.failed(fault);
    this.#states.rest('failed', fault);
    this.parts.log.error(
      { err: cause },
      `${this.name || shortId(this.infohash)}: ${this.#its.record.reason}`,
    );
  }

  /** Stops all work and saves how far it came. */
  async #halt(reason: string, message: string): Promise<void> {
    const download = await this.#states.halt(reason, message);
    await download?.checkpoint().catch((error: unknown) => {
      this.parts.log.warn({ err: error }, `progress of ${this.name} could not be saved`);
    });
    await this.#its.content?.store.close();
    this.#timings.stop();
  }
}
