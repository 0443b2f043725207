import type { InfoHash } from '@enjambre/core/ids';
import type { PieceStore, TransferArchive } from './ports.js';

export interface RemovalParts {
  readonly archive: TransferArchive;
  /** Called if the transfer stays after all. */
  readonly changed: () => void;
}

/**
 * Forgets a transfer, and deletes what is in `store`. It is disowned before its first file
 * goes: a crash leaves all of it or none of it, and never one that would be fetched again.
 */
export async function forget(
  infohash: InfoHash,
  { archive, changed }: RemovalParts,
  store: PieceStore | undefined,
): Promise<void> {
  await archive.disown(infohash);
  try {
    await store?.delete();
  } catch (error) {
    archive.keep(infohash);
    changed();
    throw error;
  }
  await archive.remove(infohash);
}
