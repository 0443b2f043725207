import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Content } from '../content.js';
import type { TransferComponents } from './transfer-components.js';

/**
 * Now that it is known what is downloaded: reserves its target and keeps the metainfo. Throws
 * `already-exists`, TARGET_TAKEN or PATH_EXISTS, before the first byte is asked for.
 */
export async function settleName(
  metainfo: Metainfo,
  record: TransferRecord,
  { claim, stores, archive }: Pick<TransferComponents, 'claim' | 'stores' | 'archive'>,
): Promise<TransferRecord> {
  const { name, totalLength } = metainfo;
  await claim({ folder: record.location, name });
  await stores.checkTarget(record.location, name, totalLength);
  await archive.writeMetainfo(metainfo);
  return { ...record, name, bytesTotal: totalLength };
}

/**
 * Tries what the last step needs, and whether there is room for what is missing, before anything is
 * fetched. Returns the content. Throws what is refused and what to do; nothing is lost by that, and the transfer may be resumed.
 */
export async function tryDisk(
  content: Content,
  have: Bitfield,
  { location, inPlace }: TransferRecord,
  { stores, checkRoom }: Pick<TransferComponents, 'stores' | 'checkRoom'>,
): Promise<Content> {
  const { metainfo, store, sum } = content;
  if (!inPlace) await stores.rehearse(metainfo, location);
  const { name, totalLength, files } = metainfo;
  // What was written and is not right any more is written over.
  const missing = Math.min(totalLength - sum.of(have), totalLength - (await store.allocated()));
  const isNew = !inPlace && have.count === 0;
  await checkRoom({ name, folder: location, bytes: Math.max(0, missing), files: isNew ? files.length : 0 });
  return content;
}

/** Says once what complete content does without. */
export function logWarning(now: TransferRecord, before: TransferRecord, log: Logger): void {
  if (now.warning !== '' && now.warning !== before.warning)
    log.warn(`${now.name} is complete, but ${now.warning}`);
}

/** Where a download is after a move, and why if that is where it was. */
export interface Moved {
  readonly change: Pick<TransferRecord, 'location' | 'movingTo'>;
  readonly error?: EnjambreError;
}

/** Takes what is there of a halted download to another folder. `begins` notes that it is about to move. */
export async function takeAlong(
  metainfo: Metainfo | undefined,
  { location, movingTo }: Pick<TransferRecord, 'location' | 'movingTo'>,
  { stores, save }: Pick<TransferComponents, 'stores' | 'save'>,
  begins?: () => void,
): Promise<Moved> {
  try {
    if (metainfo) {
      begins?.();
      // What moves must be found after a crash, too.
      if (begins) await save();
      await stores.moveDownload(metainfo, location, movingTo);
    }
    return { change: { location: movingTo, movingTo: '' } };
  } catch (error) {
    return { change: { location, movingTo: '' }, error: EnjambreError.from(error) };
  }
}

/**
 * Ends a move that a crash came into. Where no part is to be seen, the disk of one of the folders may be away: then it
 * still is to be found out, unless there was nothing to move.
 */
export async function endMove(
  metainfo: Metainfo | undefined,
  record: TransferRecord,
  parts: Pick<TransferComponents, 'stores' | 'save' | 'log'>,
): Promise<TransferRecord> {
  const { location, movingTo, name } = record;
  if (movingTo === '' || record.inPlace) return record;
  if (metainfo && record.bytesDone > 0) {
    const places = [location, movingTo].map((folder) => parts.stores.download(metainfo, folder, false));
    const areThere = await Promise.all(places.map((place) => place.exists().catch(() => false)));
    if (!areThere.includes(true)) return record;
  }
  const { change, error } = await takeAlong(metainfo, record, parts);
  if (error) parts.log.warn({ err: error }, `${name} stays in ${location}: its move to ${movingTo} failed`);
  return { ...record, ...change };
}
