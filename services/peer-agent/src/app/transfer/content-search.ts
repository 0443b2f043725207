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
  /** Pieces that were there when this process looked last. */
  readonly had: () => Bitfield | undefined;
  /** Called before all pieces are hashed. */
  readonly checking: () => void;
  /** Called when what is in use is something else, and another copy is waited for. */
  readonly moved: (content: Content, change: Partial<TransferRecord>) => void;
  /** Called when it is missing, and when {@link ContentSearch.reason} has become another or another copy was checked in vain. */
  readonly missing: () => void;
  /** Notes what is about to get its name. */
  readonly naming: (assembly: string) => void;
}

type Parts = Pick<TransferComponents, 'clock' | 'stores' | 'archive' | 'missingLookMs' | 'log' | 'save'>;
type Run = Pick<RunOptions, 'signal' | 'remedy'>;
type Search = InventoryOptions & Run & { readonly waited: boolean };

const LOOK_MS = 3000;
const CHANGED = new Set(['CONTENT_CHANGED', 'FILE_CHANGED']);

/** What was found. */
export interface FoundContent extends Inventory {
  /** What is different in the record: another copy is used. */
  readonly change: Partial<TransferRecord>;
  /** It was whole, and is something else now, which is not fixed unasked. */
  readonly isOther: boolean;
}

/**
 * Finds out what of a transfer is on disk. What was there, and is not any more, is waited
 * for: its file system may not be mounted, and to fetch it again would fill what lies
 * under it. What comes back is looked at only when it does not change from one look to the
 * next: it may still be on its way.
 */
export class ContentSearch {
  /** Why it is waited for; empty if it is not. */
  reason = '';
  /** What was seen at the last look, if all was there. */
  #last = '';
  /** All pieces of something were hashed since it was last said that it is waited for. */
  #hasChecked = false;
  /** Pieces that the check under way has read. */
  checked = 0;

  constructor(
    private readonly parts: Parts,
    private readonly infohash: InfoHash,
    private readonly init: ContentSearchInit,
  ) {}

  /** What an inventory needs in such a run. */
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
      // If it cannot be kept, the files are not taken for the agent's own after a crash.
      await this.parts.save().catch(() => undefined);
    };
    return { stores, progress: archive.progress(this.infohash), signal, checking, naming };
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
   * What changes of a transfer that failed for want of what may come back; undefined if it did for anything else. What
   * cannot be looked at is not waited for.
   */
  async changeIfMissing(
    cause: unknown,
    content: Content | undefined,
    record: TransferRecord,
  ): Promise<Partial<TransferRecord> | undefined> {
    const { reason } = EnjambreError.from(cause);
    const { complete, copies } = record;
    const isMissing = reason === 'FILE_MISSING';
    // Who reads a file that goes may find it changed.
    const mayBeMissing = complete && CHANGED.has(reason);
    if (!content || (!isMissing && !mayBeMissing)) return undefined;
    // The next run finds out what became of it.
    if (complete && (isMissing || copies.length > 0)) return {};
    const survey = await this.#survey(content, record).catch(() => undefined);
    if (survey?.absent === undefined) return undefined;
    // What of a part comes back must be hashed.
    return complete ? {} : { recheck: true };
  }

  async #search(content: Content, record: TransferRecord, run: Run): Promise<FoundContent | undefined> {
    const copies = new OtherCopies(this.parts, content, record);
    this.#last = '';
    for (let waited = false; ; waited = true) {
      const search = { ...run, ...this.inventoryOptions(run), waited };
      const reason = await this.#whyWait(content, record, search);
      // What is as it was needs no other, and what is to be checked is checked first.
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

  /** Takes what is there. If it was whole and is something else, another copy, or the wait for one that is away. */
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

  /** Why it has to be waited for; empty if it has not. */
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
      return `${content.store.path} is back, or on its way: it is looked at once it does not change any more`;
    } catch (error) {
      // At the start it is reported as a failure; one that waits keeps waiting.
      if (!waited) throw error;
      return EnjambreError.from(error).message;
    }
  }

  /** Looks at the files that must be there; undefined if there are none. */
  async #survey(content: Content, record: TransferRecord): Promise<Survey | undefined> {
    const { store, layout } = content;
    if (record.complete || record.origin) return store.survey();
    if (!record.inPlace && (await this.#hasName(content, record))) return undefined;
    const { have, unsure } = await this.#claimed(content);
    const files = new Set<number>();
    for (const piece of have.indexes()) files.add(layout.pieceFile(piece).file);
    if (files.size > 0) return store.survey(files);
    // A crash of the machine may have undone what was not synced, but not all that was ever there.
    const isThere = (unsure === 0 && record.bytesDone === 0) || (await store.exists());
    return isThere ? undefined : { absent: store.path, look: '' };
  }

  async #claimed({ layout }: Content): Promise<{ have: Bitfield; unsure: number }> {
    const had = this.init.had();
    if (had) return { have: had, unsure: 0 };
    const noted = await this.parts.archive.progress(this.infohash).load(layout.pieceCount);
    return { have: noted?.have ?? Bitfield.empty(layout.pieceCount), unsure: noted?.unsure.length ?? 0 };
  }

  /** True if something has the name of the download, such as the very same: a crash came before it was noted. */
  async #hasName({ metainfo }: Content, { location }: TransferRecord): Promise<boolean> {
    return (await this.parts.stores.download(metainfo, location, true).fingerprint()) !== undefined;
  }
}

/**
 * True if the content was whole under its name, and nobody asked to check it. Its fingerprint may be lost with the
 * status file: that alone gives no leave to write to it.
 */
function wasWhole({ complete, recheck, fingerprint, origin }: TransferRecord, { waited }: Search): boolean {
  return complete && (!recheck || waited || fingerprint !== '' || origin);
}

function missingText(path: string, { origin, complete }: TransferRecord): string {
  const then = origin || complete ? 'it is shared again' : 'the download resumes';
  return `${path} is missing: mount its disk or put it back, and ${then}`;
}

function isAborted({ signal }: Pick<Run, 'signal'>): boolean {
  return signal.aborted;
}

/** True if it looks as it did, or is to be hashed in any case. */
async function mayBeRight(content: Content, record: TransferRecord): Promise<boolean> {
  return record.recheck || (await looksAsNoted(content, record).catch(() => false));
}
