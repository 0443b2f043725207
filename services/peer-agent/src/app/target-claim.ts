import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { TransferRecord } from '../domain/transfer-record.js';
import type { Content } from './content.js';
import type { StoreFactory } from './ports.js';
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

/** Takes what is there of a halted download to another folder. Says where it is then, and why if that is where it was. */
export async function takeAlong(
  content: Content | undefined,
  { location }: TransferRecord,
  folder: string,
  stores: StoreFactory,
): Promise<{ location: string; error?: EnjambreError }> {
  try {
    if (content) await stores.moveDownload(content.metainfo, location, folder);
    return { location: folder };
  } catch (error) {
    return { location, error: EnjambreError.from(error) };
  }
}
