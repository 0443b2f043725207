import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { incomplete, type TransferRecord } from '../../domain/transfer-record.js';
import type { ReplacedContent } from '../ports/piece-store.js';
import { noteComplete } from './completion.js';
import { openContent, partInPlace, type Content } from '../content.js';
import { openAssembly } from './inventory.js';
import { prepareSelection, selectsAny } from '../select-files.js';
import type { Running } from './room.js';
import { endMove, logWarning, takeAlong, tryDisk, type Moved } from './target-claim.js';
import type { TransferComponents } from './transfer-components.js';
import { bytesDoneOf } from './transfer-view.js';

type HoldingParts = Pick<
  TransferComponents,
  'clock' | 'archive' | 'stores' | 'log' | 'moved' | 'changed' | 'save' | 'checkRoom' | 'replacement'
>;

/** What a transfer has: its record, its content in the place that the record gives, and the pieces present. */
export class Holding {
  /** Undefined until the metainfo is known. */
  content: Content | undefined;
  /** Undefined until this process has checked. */
  have: Bitfield | undefined;
  /** New space that it needed when it had this many bytes. */
  #needed = { bytes: 0, doneBytes: 0 };

  constructor(
    public record: TransferRecord,
    private readonly parts: HoldingParts,
  ) {}

  /** What a search of the content asks and reports. */
  readonly seen = {
    had: () => this.have,
    moved: (content: Content, change: Partial<TransferRecord>) => this.note(change, content),
    naming: (assembly: string) => this.note({ assembly }),
    replacing: () => this.replacing(),
  };

  get doneBytes(): number {
    return bytesDoneOf(this.record, this.content, this.have);
  }

  /** Space that it still needs while it downloads. */
  get need(): Running {
    const { bytes, doneBytes } = this.#needed;
    return { folder: this.record.location, bytes: Math.max(0, bytes - (this.doneBytes - doneBytes)) };
  }

  note(change: Partial<TransferRecord>, content = this.content): void {
    this.content = content;
    this.record = { ...this.record, ...change };
    if (change.location !== undefined) this.parts.moved();
    this.parts.changed();
  }

  /** The metainfo was found. */
  identified({ record, content }: { readonly record: TransferRecord; readonly content: Content }): void {
    this.record = record;
    this.content = content;
  }

  /** Reads the saved metainfo, if any, and completes a move that a crash interrupted. */
  async open(): Promise<void> {
    const { record, content } = this;
    const metainfo = content?.metainfo ?? (await this.parts.archive.readMetainfo(record.infohash));
    this.record = await endMove(metainfo, record, this.parts);
    if (this.record !== record) this.parts.moved();
    if (metainfo && !content) await prepareSelection(metainfo, record.select).catch(() => undefined);
    if (metainfo && !content) this.content = this.#open(metainfo);
    if (this.record.replace !== 'none' && !this.record.inPlace) await this.#putBack();
  }

  /** After a crash in the middle of a replacement: the old content is at its name until the new one has it. */
  async #putBack(): Promise<void> {
    await this.content?.store.putBackReplaced().catch((error: unknown) => {
      const { log } = this.parts;
      log.warn({ err: error }, `what ${this.record.name} replaces could not be moved back to its name`);
    });
  }

  /** Changes a halted transfer. A change of `doneBytes` to 0 also clears its saved progress, unless the disk fails. */
  async turnInto(change: Partial<TransferRecord>): Promise<void> {
    if (change.doneBytes === 0)
      await this.#claimNothing().catch((error: unknown) => {
        this.parts.log.warn({ err: error }, `the saved progress of ${this.record.name} could not be cleared`);
      });
    this.#replace(change);
  }

  /** Changes a halted transfer durably. Returns the error if that failed: the transfer is then unchanged. */
  async become(change: Partial<TransferRecord>): Promise<EnjambreError | undefined> {
    // It may have got its final name since the change was computed.
    const grows = change.select !== undefined && change.inPlace === undefined;
    if (grows && this.record.inPlace) return partInPlace(this.record);
    const before = { ...this.record, doneBytes: this.doneBytes };
    const isEmpty = change.doneBytes === 0;
    try {
      if (isEmpty) await this.#claimNothing();
      this.have = undefined;
      this.#replace(change);
      await this.parts.save();
      return undefined;
    } catch (error) {
      this.#replace({ ...before, recheck: before.recheck || (isEmpty && !before.complete) });
      return EnjambreError.from(error);
    }
  }

  /** Moves the partial data of a download to another folder; returns where it is afterwards. */
  moveTo(folder: string): Promise<Moved> {
    const record = { ...this.record, movingTo: folder };
    return takeAlong(this.content?.metainfo, record, this.parts, () => this.note(record));
  }

  /** Chooses where incomplete content is assembled, and checks that the disk can take it. Returns the content there. */
  async assemble(content: Content, have: Bitfield): Promise<Content> {
    this.record = incomplete(this.record);
    const { content: assembly, ...place } = await openAssembly(content, this.record, this.parts.stores);
    const isNews = place.ownFiles !== this.record.ownFiles;
    this.note(place, assembly);
    // Before the first of these files is created: a crash must not lose that they are the agent's own.
    if (isNews) await this.parts.save();
    const bytes = await tryDisk(assembly, have, this.record, this.parts);
    this.#needed = { bytes, doneBytes: this.doneBytes };
    return assembly;
  }

  /** Records that the content is complete, under its final name. See {@link noteComplete}. */
  async complete(noted: Parameters<typeof noteComplete>[1]): Promise<void> {
    const note = (record: TransferRecord): void => void (this.record = record);
    await noteComplete(this.record, noted, { ...this.parts, note });
    await this.#endReplacement();
  }

  /** What the complete content replaces of other transfers; undefined if nothing may be replaced. */
  async replacing(): Promise<readonly ReplacedContent[] | undefined> {
    const { replacement } = this.parts;
    return (await replacement.isAllowed(this.record)) ? replacement.replacedBy(this.record) : undefined;
  }

  /** The content has its name, perhaps since before a crash: ends the transfers that had the place. */
  async #endReplacement(): Promise<void> {
    const { record: before } = this;
    if (before.replace === 'none') return;
    const { replacement, save, log } = this.parts;
    const replaced = await replacement.replacedBy(before);
    const kept = await this.content?.store.discardReplaced(replaced);
    await replacement.supersede(before);
    const warning = [before.warning, kept].filter((text) => text).join('; ');
    this.note({ replace: 'none', warning });
    logWarning(this.record, before, log);
    await save();
  }

  #replace(change: Partial<TransferRecord>): void {
    const isKept = change.location === undefined && change.select === undefined;
    const metainfo = isKept ? undefined : this.content?.metainfo;
    this.note(change);
    if (metainfo) this.content = this.#open(metainfo);
  }

  /** Undefined if the record has another name, or a selection of no file: these must be settled first. */
  #open(metainfo: Metainfo): Content | undefined {
    if (metainfo.name !== this.record.name || !selectsAny(metainfo, this.record.select)) return undefined;
    return openContent(metainfo, this.record, this.parts.stores);
  }

  async #claimNothing(): Promise<void> {
    this.have = undefined;
    await this.parts.archive.progress(this.record.infohash).clear();
  }
}
