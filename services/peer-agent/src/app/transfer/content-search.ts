import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Content } from '../content.js';
import { isWhole, looksAsNoted, takeInventory, type Inventory, type InventoryOptions } from './inventory.js';
import { OtherCopies } from './other-copies.js';
import type { Survey } from '../ports/piece-store.js';
import type { RunOptions, TransferComponents } from './transfer-components.js';

export interface ContentSearchInit {
  /** Pieces that this process has found or verified; undefined before its first check. */
  readonly had: () => Bitfield | undefined;
  /** Called before all pieces are hashed. */
  readonly checking: () => void;
  /** Called when the copy in use has other content, and the search waits for another copy instead. */
  readonly moved: (content: Content, change: Partial<TransferRecord>) => void;
  /** Called if content is missing, {@link ContentSearch.reason} changed, or a hashed copy was not intact. */
  readonly missing: () => void;
  /** Records the identity of the part that is about to get its final name. */
  readonly naming: (assembly: string) => void;
  /** See {@link InventoryOptions}. */
  readonly replacing: InventoryOptions['replacing'];
}

type Parts = Pick<TransferComponents, 'clock' | 'stores' | 'archive' | 'missingLookMs' | 'log' | 'save'>;
type Run = Pick<RunOptions, 'signal' | 'remedy'>;
type Search = InventoryOptions & Run & { readonly waited: boolean };

const LOOK_MS = 3000;
const CHANGED = new Set(['CONTENT_CHANGED', 'FILE_CHANGED']);

/** Result of a {@link ContentSearch}. */
export interface FoundContent extends Inventory {
  /** Changes of the record if another copy is used. */
  readonly change: Partial<TransferRecord>;
  /** The content was complete and has changed; only a user's request may repair it. */
  readonly isOther: boolean;
}

/**
 * Finds out which content of a transfer is on disk. Waits for content that has gone missing: its file system may not be
 * mounted, and fetching it again would fill the one below the mount point. Content that comes back is checked once two
 * successive checks find it unchanged: copying may not be finished.
 */
export class ContentSearch {
  /** Why the search is waiting; empty if it is not. */
  reason = '';
  /** `look` of the last survey that found all files; see {@link Survey}. */
  #last = '';
  /** All pieces of a copy were hashed since the last call of `missing`. */
  #hasChecked = false;
  /** Pieces hashed by the current check. */
  checked = 0;

  constructor(
    private readonly parts: Parts,
    private readonly infohash: InfoHash,
    private readonly init: ContentSearchInit,
  ) {}

  /** Options for an inventory in this run. */
  inventoryOptions({ signal }: Run): InventoryOptions {
    const { stores, archive } = this.parts;
    const checking = (): (() => void) => {
      this.#hasChecked = true;
      this.init.checking();
      this.checked = 0;
      return () => (this.checked += 1);
    };
    const naming = async (assembly: string): Promise<void> => {
      this.init.naming(assembly);
      // If it cannot be saved, the files do not count as the agent's own after a crash.
      await this.parts.save().catch(() => undefined);
    };
    const { replacing } = this.init;
    return { stores, progress: archive.progress(this.infohash), signal, checking, naming, replacing };
  }

  /** Undefined if the run was halted. */
  async run(content: Content, record: TransferRecord, run: Run): Promise<FoundContent | undefined> {
    try {
      return await this.#search(content, record, run);
    } finally {
      this.reason = '';
    }
  }

  /**
   * Changes of the record if a transfer failed because content is missing that may come back; undefined if it failed
   * for another reason, or the content cannot be surveyed.
   */
  async changeIfMissing(
    cause: unknown,
    content: Content | undefined,
    record: TransferRecord,
  ): Promise<Partial<TransferRecord> | undefined> {
    const { reason } = EnjambreError.from(cause);
    const { complete, copies } = record;
    const isMissing = reason === 'FILE_MISSING';
    // A read of a file that is being removed may fail as if the file had changed.
    const mayBeMissing = complete && CHANGED.has(reason);
    if (!content || (!isMissing && !mayBeMissing)) return undefined;
    // The next run finds out what happened to it.
    if (complete && (isMissing || copies.length > 0)) return {};
    const survey = await this.#survey(content, record).catch(() => undefined);
    if (survey?.absent === undefined) return undefined;
    // A part that comes back must be hashed.
    return complete ? {} : { recheck: true };
  }

  async #search(content: Content, record: TransferRecord, run: Run): Promise<FoundContent | undefined> {
    const copies = new OtherCopies(this.parts, content, record);
    this.#last = '';
    for (let waited = false; ; waited = true) {
      const search = { ...run, ...this.inventoryOptions(run), waited };
      const reason = await this.#whyWait(content, record, search);
      // Unchanged content needs no other copy; content in doubt is checked before other copies.
      const isFirst = reason === '' && (run.remedy === 'fetch' || (await mayBeRight(content, record)));
      const other = isFirst || !record.complete ? undefined : await copies.find(search);
      if (isAborted(run)) return undefined;
      if (other) return other;
      if (reason === '') return this.#takeOrLeave({ content, record, copies }, search);
      const changed = reason !== this.reason || this.#hasChecked;
      this.#hasChecked = false;
      this.reason = reason;
      if (!waited) this.parts.log.warn(`${record.name}: ${reason}`);
      if (changed) this.init.missing();
      await this.parts.clock.sleep(this.parts.missingLookMs ?? LOOK_MS, run.signal);
      if (isAborted(run)) return undefined;
    }
  }

  /** Takes the current content. If that was complete and has changed, finds another copy or waits for a missing one. */
  async #takeOrLeave(
    { content, record, copies }: { content: Content; record: TransferRecord; copies: OtherCopies },
    search: Search,
  ): Promise<FoundContent | undefined> {
    const found = await this.#take(content, record, search);
    if (!found.isOther || isAborted(search)) return found;
    const other = await copies.find(search);
    if (other) return other;
    const next = copies.afterLosing(record);
    if (!next || isAborted(search)) return found;
    this.init.moved(next.content, next.change);
    const later = await this.#search(next.content, { ...record, ...next.change }, search);
    return later && { ...later, change: { ...next.change, ...later.change } };
  }

  async #take(content: Content, record: TransferRecord, search: Search): Promise<FoundContent> {
    const inventory = await takeInventory(content, record, search);
    const isOther =
      wasWhole(record, search) && (search.remedy === 'none' || record.origin) && !(await isWhole(inventory));
    return { ...inventory, isOther, change: {} };
  }

  /** Why the search must wait for the content; empty if it need not. */
  async #whyWait(
    content: Content,
    record: TransferRecord,
    { remedy, waited }: Run & { readonly waited: boolean },
  ): Promise<string> {
    if (remedy === 'fetch' && !record.origin) return '';
    try {
      const survey = await this.#survey(content, record);
      if (survey?.absent !== undefined) return missingText(survey.absent, record);
      const isSteady = !survey || !waited || survey.look === this.#last;
      if (isSteady || (await looksAsNoted(content, record))) return '';
      this.#last = survey.look;
      return `${content.store.path} is back: it is checked once it stops changing`;
    } catch (error) {
      // The first survey of a run reports the error as a failure; a search that waits keeps waiting.
      if (!waited) throw error;
      return EnjambreError.from(error).message;
    }
  }

  /** Surveys the files that must exist; undefined if there are none. */
  async #survey(content: Content, record: TransferRecord): Promise<Survey | undefined> {
    const { store, layout } = content;
    if (record.complete || record.origin) return store.survey();
    if (!record.inPlace && (await this.#hasName(content, record))) return undefined;
    const { have, unsure } = await this.#claimed(content);
    const files = new Set<number>();
    for (const piece of have.indexes()) files.add(layout.pieceFile(piece).file);
    if (files.size > 0) return store.survey(files);
    // A crash of the machine may have lost data that was not synced, but not the whole part.
    const isThere = (unsure === 0 && record.doneBytes === 0) || (await store.exists());
    return isThere ? undefined : { absent: store.path, look: '' };
  }

  async #claimed({ layout }: Content): Promise<{ have: Bitfield; unsure: number }> {
    const had = this.init.had();
    if (had) return { have: had, unsure: 0 };
    const noted = await this.parts.archive.progress(this.infohash).load(layout.pieceCount);
    return { have: noted?.have ?? Bitfield.empty(layout.pieceCount), unsure: noted?.unsure.length ?? 0 };
  }

  /** True if content of the right size has the final name: perhaps the download itself, renamed before a crash. */
  async #hasName({ metainfo, selection }: Content, { location }: TransferRecord): Promise<boolean> {
    const store = this.parts.stores.download(metainfo, location, true, selection);
    return (await store.fingerprint()) !== undefined;
  }
}

/**
 * True if the content was complete under its final name, and no check was requested. The loss of its fingerprint, with
 * the status file, does not permit writing to it.
 */
function wasWhole({ complete, recheck, fingerprint, origin }: TransferRecord, { waited }: Search): boolean {
  return complete && (!recheck || waited || fingerprint !== '' || origin);
}

function missingText(path: string, { origin, complete }: TransferRecord): string {
  const then = origin || complete ? 'it is shared again' : 'the download resumes';
  return `${path} is missing: mount its disk or restore it, and ${then}`;
}

function isAborted({ signal }: Pick<Run, 'signal'>): boolean {
  return signal.aborted;
}

/** True if the content is unchanged, or must be hashed in any case. */
async function mayBeRight(content: Content, record: TransferRecord): Promise<boolean> {
  return record.recheck || (await looksAsNoted(content, record).catch(() => false));
}
