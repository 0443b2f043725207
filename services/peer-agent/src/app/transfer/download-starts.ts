import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Clock } from '@enjambre/common/async/clock';
import { fetchedInto } from '../../domain/copies.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { identityOfRecord, newRecord, type Identity } from '../agent/identity.js';
import type { TransferArchive } from '../ports/archives.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { prepareSelection, selectionOf } from '../select-files.js';
import { noting } from './copy-looks.js';
import { amendmentOf, type DownloadTerms } from './download-terms.js';
import type { RoomNeed } from './room.js';
import { placeOf, type Targets } from './targets.js';
import type { Transfer } from './transfer.js';
import type { Started } from './transfer-options.js';
import { planAgain } from './transfer-place.js';
import { widened } from './wider-selection.js';

export interface DownloadStartsComponents {
  readonly clock: Clock;
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
  readonly targets: Targets;
  readonly transfers: ReadonlyMap<InfoHash, Transfer>;
  readonly add: (record: TransferRecord) => Transfer;
  readonly save: (transfer: Transfer) => Promise<void>;
  readonly checkRoom: (infohash: InfoHash, need: RoomNeed) => Promise<void>;
}

interface FetchedAgain {
  readonly location: string;
  /** See {@link widened}. */
  readonly wider: Partial<TransferRecord> | undefined;
}

/** Begins downloads, and resumes known ones. Calls for one infohash must not overlap. */
export class DownloadStarts {
  /** @param downloadDir default target folder */
  constructor(
    private readonly parts: DownloadStartsComponents,
    private readonly downloadDir: string,
  ) {}

  /** @param terms `wanted`: the target folder; undefined for the default, or that of a known transfer */
  async start(
    found: Identity,
    metainfo: Metainfo | undefined,
    { wanted, ...terms }: DownloadTerms & { readonly wanted: string | undefined },
  ): Promise<Started> {
    const known = this.parts.transfers.get(found.infohash);
    if (known) {
      const { replace, follow, publication } = known.record;
      await known.amend(noting(amendmentOf(known.record, found, terms)));
      try {
        return await this.#goOn(known, wanted, terms);
      } catch (error) {
        // What is refused changes nothing.
        await known.amend(noting({ replace, follow, publication }));
        throw error;
      }
    }
    const location = wanted ?? this.downloadDir;
    const transfer = await this.#begin(found, metainfo, { location, ...terms });
    await this.parts.save(transfer);
    return { transfer, already: false };
  }

  /** Resumes a known transfer; repairs complete content that has changed or is missing, and fetches what it lacks. */
  async #goOn(
    known: Transfer,
    wanted: string | undefined,
    { limits, select }: DownloadTerms,
  ): Promise<Started> {
    const { folder, step } = planAgain(known, wanted);
    const wider = await widened(known, select, { ...this.parts, folder });
    if (step === 'fetch' || wider?.inPlace === false)
      return this.#fetchAgain(known, { location: folder, limits, wider });
    known.limits.change(limits);
    if (step === 'relocate') await this.#relocate(known, folder);
    const isMissing = known.state === 'missing';
    if (wider) await known.become(wider, 'started');
    if (wider && isMissing) await known.verify();
    if (step === 'relocate' || wider) {
      await this.parts.save(known);
      return { transfer: known, already: false };
    }
    const { complete } = known.record;
    const already = complete && (await known.isUnchanged());
    if ((complete && !already) || known.state === 'missing') await known.verify();
    // Asking again for what has been seeded enough does not seed it again.
    else if (!known.seeding.isDone) await known.resume();
    await this.parts.save(known);
    return { transfer: known, already };
  }

  /** Downloads content that was shared or complete here, and is missing. On an error the transfer stays unchanged. */
  async #fetchAgain(
    known: Transfer,
    { location, limits, wider }: Pick<DownloadTerms, 'limits'> & FetchedAgain,
  ): Promise<Started> {
    const { record } = known;
    const metainfo = await this.parts.archive.readMetainfo(record.infohash);
    try {
      const { select } = { ...record, ...wider };
      await this.#reserve(identityOfRecord(record), metainfo, { folder: location, replace: 'none', select });
      await known.become({ ...wider, ...fetchedInto(record, location) }, 'started');
    } catch (error) {
      this.parts.targets.hold(record.infohash, placeOf(record));
      throw error;
    }
    known.limits.change(limits);
    await this.parts.save(known);
    return { transfer: known, already: false };
  }

  /** Starts a new download and reserves its target. Throws if the target is refused. */
  async #begin(
    found: Identity,
    metainfo: Metainfo | undefined,
    { location, limits, ...wishes }: DownloadTerms & { readonly location: string },
  ): Promise<Transfer> {
    const { clock, archive } = this.parts;
    const { replace, select } = wishes;
    const selection = metainfo && (await prepareSelection(metainfo, select));
    try {
      await this.#reserve(found, metainfo, { folder: location, replace, select });
      // An earlier transfer of this infohash may have left progress that could not be deleted.
      await archive.progress(found.infohash).clear();
      if (metainfo) await archive.writeMetainfo(metainfo);
    } catch (error) {
      this.parts.targets.release(found.infohash);
      throw error;
    }
    const transfer = this.parts.add({
      ...newRecord(found, { origin: false, location, nowMs: clock.epochMs() }),
      ...wishes,
      ...limits,
      ...(selection && { selectedBytes: selection.bytes }),
    });
    await transfer.start('started');
    return transfer;
  }

  /** Claims a target for a download and checks that the disk can take it. */
  async #reserve(
    { infohash, name, size }: Identity,
    metainfo: Metainfo | undefined,
    { folder, replace, select }: Pick<DownloadTerms, 'replace' | 'select'> & { readonly folder: string },
  ): Promise<void> {
    const { stores } = this.parts;
    const place = { folder, name };
    if (name !== '') await this.parts.targets.claim(infohash, place, replace !== 'none');
    const isOwn = replace === 'own' && (await this.parts.targets.others(infohash, place)).length > 0;
    if (!(await stores.checkTarget(folder, name, size, replace === 'any' || isOwn))) return;
    const selection = metainfo && selectionOf(metainfo, select);
    await stores.rehearse(selection?.named ?? { infohash, name, isFolder: false, files: [] }, folder);
    // Without the metainfo, nobody knows how much is selected: the room is checked again before the first byte.
    const unknown = select.length === 0 ? size : 0;
    await this.parts.checkRoom(infohash, { name, folder, bytes: selection?.bytes ?? unknown, files: 0 });
  }

  /** Moves a download to another folder. On an error its target is still the old one. */
  async #relocate(known: Transfer, folder: string): Promise<void> {
    const { infohash, name, record } = known;
    try {
      if (name !== '') await this.parts.targets.claim(infohash, { folder, name });
      await this.parts.stores.checkTarget(folder, name, record.sizeBytes);
      await known.relocate(folder);
    } catch (error) {
      if (name !== '') this.parts.targets.hold(infohash, placeOf(record));
      throw error;
    } finally {
      await this.parts.save(known);
    }
  }
}
