import type { Metainfo } from '@enjambre/core/metainfo';
import { NOT_NOTED, ownerOf } from '../../domain/own-files.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { isNamed, notDownloaded } from '../content.js';
import type { Deletion, DeletionRules, PieceStore } from '../ports/piece-store.js';
import type { TransferComponents } from './transfer-components.js';

type RemovalParts = Pick<TransferComponents, 'archive' | 'log'>;

export interface RemovalOptions {
  /** Deletes downloaded files. The part of an unfinished download is always deleted. */
  readonly deleteData: boolean;
  /** Also deletes files of the metainfo that existed before or have changed since. @default false */
  readonly force?: boolean;
  /** Reason code for peers. @default REMOVED */
  readonly reason?: string;
}

/** Deletes all files that the metainfo names, as for a part, which is assembled in the agent's own folder. */
export const ALL_OF_IT: DeletionRules = {
  isOwn: () => true,
  notOwn: 'taken-over',
  anyContent: true,
  fingerprint: '',
};

const NOTHING: Deletion = { deleted: 0, kept: 0, paths: [] };

/** Throws `precondition` NOT_DOWNLOADED if the files of a share would be deleted. */
export function checkDeletable(record: TransferRecord, { deleteData }: RemovalOptions): void {
  if (deleteData && record.origin) throw notDownloaded(record);
}

export interface Removal extends Deletion {
  /** False if the files were left alone. */
  readonly tried: boolean;
}

/** The transfer was removed; or it stays, and `touched` tells whether some of its files may already be gone. */
export type RemovalOutcome =
  { readonly removal: Removal } | { readonly error: unknown; readonly touched: boolean };

/**
 * Removes a transfer and, if `options` say so, those of its files that are the agent's own. The transfer is disowned
 * before the first file is deleted: after a crash it is untouched or removed, and deleted files are not fetched again.
 */
export async function forget(
  record: TransferRecord,
  store: PieceStore | undefined,
  { archive, log }: RemovalParts,
  options: RemovalOptions,
): Promise<RemovalOutcome> {
  const { infohash } = record;
  const isPart = store !== undefined && !record.inPlace && !isNamed(store, record);
  const tried = store !== undefined && (options.deleteData || (isPart && !isWholePart(record)));
  let deletion = NOTHING;
  let touched = false;
  try {
    await archive.disown(infohash);
    touched = tried;
    if (tried) deletion = await store.delete(isPart ? ALL_OF_IT : rulesFor(record, options));
    const kept = record.replace === 'none' ? '' : ((await store?.releaseReplaced()) ?? '');
    if (kept !== '') log.warn(`${record.name} is removed: what was to be replaced is now ${kept}`);
  } catch (error) {
    archive.keep(infohash);
    return { error, touched };
  }
  // The transfer is removed in any case: what cannot be deleted now is deleted at the next start.
  await archive.remove(infohash).catch((error: unknown) => {
    log.warn({ err: error, file: { infohash } }, `the saved state of ${record.name} could not be deleted`);
  });
  return { removal: { ...deletion, tried } };
}

/** A part with all pieces, which could not get its final name, is kept like a published download. */
function isWholePart({ doneBytes, selectedBytes }: TransferRecord): boolean {
  return doneBytes === selectedBytes;
}

/** Deletes the part of a download whose content was then found elsewhere. Logs errors instead of throwing. */
export async function dropPart(
  metainfo: Metainfo,
  before: TransferRecord,
  { stores, log }: Pick<TransferComponents, 'stores' | 'log'>,
): Promise<void> {
  const { name, complete, inPlace, location, movingTo } = before;
  if (complete || inPlace || isWholePart(before)) return;
  for (const folder of new Set([location, movingTo || location])) {
    const part = stores.download(metainfo, folder, false);
    await part.delete(ALL_OF_IT).catch((error: unknown) => {
      log.warn({ err: error }, `the part of ${name} in ${folder} could not be deleted`);
    });
    await part.close();
  }
}

/** Which files of a download are deleted with it. */
export function rulesFor(record: TransferRecord, { force = false }: RemovalOptions): DeletionRules {
  const { ownFiles, fingerprint } = record;
  if (force) return ALL_OF_IT;
  const notOwn = ownFiles === NOT_NOTED ? 'unknown' : 'taken-over';
  return { isOwn: ownerOf(ownFiles), notOwn, anyContent: false, fingerprint };
}
