import { NOT_NOTED, ownerOf } from '../domain/own-files.js';
import type { TransferRecord } from '../domain/transfer-record.js';
import { isNamed, notDownloaded } from './content.js';
import type { Deletion, DeletionRules, PieceStore, TransferArchive } from './ports.js';

export interface RemovalParts {
  readonly archive: TransferArchive;
  /** Called if the transfer stays after all. */
  readonly changed: () => void;
}

export interface RemovalOptions {
  /** Delete what was downloaded. A part always goes. */
  readonly deleteData: boolean;
  /** Of the files that the metainfo names, also those that were there before, or changed since. @default false */
  readonly force?: boolean;
  /** What peers are told. @default REMOVED */
  readonly reason?: string;
}

/** What is on disk of the transfer. */
interface Remains {
  readonly store: PieceStore | undefined;
  /** All pieces are there. */
  readonly isWhole: boolean;
}

/** Whatever the metainfo names goes: that of a part, which is assembled in a folder of the agent's own. */
export const ALL_OF_IT: DeletionRules = {
  isOwn: () => true,
  notOwn: 'taken-over',
  anyContent: true,
  fingerprint: '',
};

const NOTHING: Deletion = { deleted: 0, kept: 0, paths: [] };

/** Throws `precondition`, NOT_DOWNLOADED, if an original is to be deleted. */
export function checkDeletable(record: TransferRecord, { deleteData }: RemovalOptions): void {
  if (deleteData && record.origin) throw notDownloaded(record);
}

/**
 * Forgets a transfer, and deletes its files if it is to, as far as they are the agent's own. It is disowned before its
 * first file goes: a crash leaves all of it or none of it, and never one that would be fetched again. `deleted` is false if
 * the files were left alone.
 */
export async function forget(
  record: TransferRecord,
  { archive, changed }: RemovalParts,
  { store, isWhole }: Remains,
  options: RemovalOptions,
): Promise<Deletion & { readonly tried: boolean }> {
  const { infohash } = record;
  const isPart = store !== undefined && !record.inPlace && !isNamed(store, record);
  // All pieces of one that could not get its name are worth as much as one that has it.
  const tried = store !== undefined && (options.deleteData || (isPart && !isWhole));
  await archive.disown(infohash);
  let deletion = NOTHING;
  try {
    if (tried) deletion = await store.delete(isPart ? ALL_OF_IT : rulesFor(record, options));
  } catch (error) {
    archive.keep(infohash);
    changed();
    throw error;
  }
  await archive.remove(infohash);
  return { ...deletion, tried };
}

function rulesFor(record: TransferRecord, { force = false }: RemovalOptions): DeletionRules {
  const { ownFiles, fingerprint } = record;
  if (force) return ALL_OF_IT;
  const notOwn = ownFiles === NOT_NOTED ? 'unknown' : 'taken-over';
  return { isOwn: ownerOf(ownFiles), notOwn, anyContent: false, fingerprint };
}
