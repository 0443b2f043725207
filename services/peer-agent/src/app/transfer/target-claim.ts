import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Content } from '../content.js';
import { prepareSelection } from '../select-files.js';
import { checkAskedName } from './asked-name.js';
import type { TransferComponents } from './transfer-components.js';

/**
 * Once the metainfo of a download is known: reserves its target and saves the metainfo. Throws `already-exists`
 * TARGET_TAKEN or PATH_EXISTS, and as {@link prepareSelection} does, before the first block is requested.
 */
export async function settleName(
  metainfo: Metainfo,
  record: TransferRecord,
  { claim, stores, archive }: Pick<TransferComponents, 'claim' | 'stores' | 'archive'>,
): Promise<TransferRecord> {
  const { name, totalLength } = metainfo;
  const replaces = record.replace !== 'none';
  checkAskedName(metainfo, record);
  const selectedBytes = (await prepareSelection(metainfo, record.select)).bytes;
  await claim({ folder: record.location, name });
  await stores.checkTarget(record.location, name, totalLength, replaces);
  await archive.writeMetainfo(metainfo);
  return { ...record, name, sizeBytes: totalLength, selectedBytes };
}

/**
 * Before anything is fetched, checks that the disk will accept the last step and has room for the missing pieces.
 * Returns the bytes of new space that these need. Throws what is refused and what to do; nothing is lost, and the transfer can be resumed.
 */
export async function tryDisk(
  content: Content,
  have: Bitfield,
  { location, inPlace }: TransferRecord,
  { stores, checkRoom }: Pick<TransferComponents, 'stores' | 'checkRoom'>,
): Promise<number> {
  const { metainfo, selection, store, sum } = content;
  if (!inPlace) await stores.rehearse(selection.named, location);
  const { name } = metainfo;
  const { bytes, fileCount } = selection;
  // Damaged data is overwritten and needs no new space.
  const missing = Math.max(0, Math.min(bytes - sum.of(have), bytes - (await store.allocated())));
  const isNew = !inPlace && have.count === 0;
  await checkRoom({ name, folder: location, bytes: missing, files: isNew ? fileCount : 0 });
  return missing;
}

/** Logs once what the file system refused for complete content. */
export function logWarning(now: TransferRecord, before: TransferRecord, log: Logger): void {
  if (now.warning !== '' && now.warning !== before.warning)
    log.warn(`${now.name} is complete, but ${now.warning}`);
}

/** Where a download is after a move; `error` if it could not be moved. */
export interface Moved {
  readonly change: Pick<TransferRecord, 'location' | 'movingTo'>;
  readonly error?: EnjambreError;
}

/** Moves the partial data of a halted download to another folder. `begins` records that the move is about to begin. */
export async function takeAlong(
  metainfo: Metainfo | undefined,
  { location, movingTo }: Pick<TransferRecord, 'location' | 'movingTo'>,
  { stores, save }: Pick<TransferComponents, 'stores' | 'save'>,
  begins?: () => void,
): Promise<Moved> {
  try {
    if (metainfo) {
      begins?.();
      // The data must also be found after a crash during the move.
      if (begins) await save();
      await stores.moveDownload(metainfo, location, movingTo);
    }
    return { change: { location: movingTo, movingTo: '' } };
  } catch (error) {
    return { change: { location, movingTo: '' }, error: EnjambreError.from(error) };
  }
}

/**
 * Completes a move that a crash interrupted. If neither folder has the part, one of their disks may be missing: the
 * record then stays unchanged, unless there was nothing to move.
 */
export async function endMove(
  metainfo: Metainfo | undefined,
  record: TransferRecord,
  parts: Pick<TransferComponents, 'stores' | 'save' | 'log'>,
): Promise<TransferRecord> {
  const { location, movingTo, name } = record;
  if (movingTo === '' || record.inPlace) return record;
  if (metainfo && record.doneBytes > 0) {
    const places = [location, movingTo].map((folder) => parts.stores.download(metainfo, folder, false));
    const areThere = await Promise.all(places.map((place) => place.exists().catch(() => false)));
    if (!areThere.includes(true)) return record;
  }
  const { change, error } = await takeAlong(metainfo, record, parts);
  if (error) parts.log.warn({ err: error }, `${name} stays in ${location}: its move to ${movingTo} failed`);
  return { ...record, ...change };
}
