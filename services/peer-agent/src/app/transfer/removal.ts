import type { Metainfo } from '@enjambre/core/metainfo';
import { NOT_NOTED, ownerOf } from '../../domain/own-files.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { isNamed, notDownloaded } from '../content.js';
import type { Deletion, DeletionRules, PieceStore } from '../ports/piece-store.js';
import type { TransferComponents } from './transfer-components.js';

type RemovalParts = Pick<TransferComponents, 'archive' | 'log'>;

export interface RemovalOptions {
  /** Delete what was downloaded. A part always goes. */
  readonly deleteData: boolean;
  /** Of the files that the metainfo names, also those that were there before, or changed since. @default false */
  readonly force?: boolean;
  /** What peers are told. @default REMOVED */
  readonly reason?: string;
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

export interface Removal extends Deletion {
  /** False if the files were left alone. */
  readonly tried: boolean;
}

/** What became of a transfer that was to be removed: it is forgotten, or it stays, and some of its files may be gone. */
export type RemovalOutcome =
  { readonly removal: Removal } | { readonly error: unknown; readonly touched: boolean };

/**
 * Forgets a transfer, and deletes its files if it is to, as far as they are the agent's own. It is disowned before its
 * first file goes: a crash leaves all of it or none of it, and never one that would be fetched again.
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
  } catch (error) {
    archive.keep(infohash);
    return { error, touched };
  }
  // It is removed in any case: what cannot go now goes at the next start.
  await archive.remove(infohash).catch((error: unknown) => {
    log.warn({ err: error, infohash }, `what the agent has noted of ${record.name} could not be deleted`);
  });
  return { removal: { ...deletion, tried } };
}

/** All pieces of one that could not get its name are worth as much as one that has it. */
function isWholePart({ bytesDone, bytesTotal }: TransferRecord): boolean {
  return bytesDone === bytesTotal;
}

/** Deletes what a download had assembled before all of its content was found elsewhere. What cannot go is told in the log. */
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

function rulesFor(record: TransferRecord, { force = false }: RemovalOptions): DeletionRules {
  const { ownFiles, fingerprint } = record;
  if (force) return ALL_OF_IT;
  const notOwn = ownFiles === NOT_NOTED ? 'unknown' : 'taken-over';
  return { isOwn: ownerOf(ownFiles), notOwn, anyContent: false, fingerprint };
}
