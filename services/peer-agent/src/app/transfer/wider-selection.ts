import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { shortId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import type { Selection } from '../../domain/selection.js';
import { NO_FAILURE, type TransferRecord } from '../../domain/transfer-record.js';
import type { TransferArchive } from '../ports/archives.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { checkPatterns, prepareSelection, type SelectPatterns } from '../select-files.js';
import type { Transfer } from './transfer.js';

interface WiderParts {
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
}

/**
 * Changes of a known transfer that is requested again with these patterns; undefined if it has these files, or gets
 * them. What it selects only grows: a download never deletes what it has fetched. Throws as {@link prepareSelection} does,
 * `precondition` SELECTS_MORE and SELECTS_OTHERS, and `already-exists` PATH_EXISTS for a file that has the place of a
 * newly selected one.
 */
export async function widened(
  known: Transfer,
  patterns: SelectPatterns,
  parts: WiderParts,
): Promise<Partial<TransferRecord> | undefined> {
  const { record } = known;
  if (record.origin || isSame(record.select, patterns)) return undefined;
  const metainfo = await parts.archive.readMetainfo(record.infohash);
  // Nothing is fetched yet: what is requested now counts.
  if (!metainfo) return { select: patterns, goal: 'run', ...NO_FAILURE };
  const old = await prepareSelection(metainfo, record.select);
  const next = await prepareSelection(metainfo, patterns);
  const isLess = old.isAll && !next.isAll;
  if (isLess && !record.complete) throw selectsMore(record);
  if (old.includes(next)) return undefined;
  const select = next.includes(old) ? patterns : together(record, patterns);
  const wider = await prepareSelection(metainfo, select);
  await checkFree(metainfo, record, { old, wider }, parts.stores);
  const recheck = record.recheck || !(await keepPieces(known, old, parts.archive));
  const undone = { complete: false, completedAtMs: 0, fingerprint: '', recheck, doneBytes: record.doneBytes };
  return { select, selectedBytes: wider.bytes, ...undone, goal: 'run', ...NO_FAILURE };
}

/** Records the pieces of complete content, so that they need not be hashed. False if that has changed. */
async function keepPieces(known: Transfer, old: Selection, archive: TransferArchive): Promise<boolean> {
  if (!known.record.complete) return true;
  if (!(await known.isUnchanged())) return false;
  await archive.progress(known.infohash).save(old.pieces);
  return true;
}

/** Files outside the old selection are not the agent's own: it must not write to them. */
async function checkFree(
  metainfo: Metainfo,
  { location, inPlace, name }: TransferRecord,
  { old, wider }: { readonly old: Selection; readonly wider: Selection },
  stores: StoreFactory,
): Promise<void> {
  if (!inPlace) return;
  const missing = new Set(await stores.download(metainfo, location, true, wider).missingFiles());
  for (const file of wider.files()) {
    if (old.has(file) || missing.has(file)) continue;
    const path = join(location, name, ...(metainfo.files[file]?.path ?? []));
    const message = `${path} already exists, and is not from this download: move it away and try again`;
    throw new EnjambreError('already-exists', 'PATH_EXISTS', message);
  }
}

/** The patterns of both. */
function together(record: TransferRecord, patterns: SelectPatterns): SelectPatterns {
  const both = [...new Set([...record.select, ...patterns])];
  if (both.some((pattern) => pattern.startsWith('!'))) throw selectsOthers(record);
  checkPatterns(both);
  return both;
}

function isSame(one: SelectPatterns, other: SelectPatterns): boolean {
  return one.length === other.length && one.every((pattern, index) => pattern === other[index]);
}

function selectsMore({ name, infohash }: TransferRecord): EnjambreError {
  const message = `this agent already downloads all of ${quote(name)}: request it without a selection`;
  const metadata = { remedy: 'remove-first', transfer: shortId(infohash) };
  return new EnjambreError('precondition', 'SELECTS_MORE', message, { metadata });
}

function selectsOthers({ name, select }: TransferRecord): EnjambreError {
  const message = `this agent downloads ${patternsText(select)} of ${quote(name)}, and patterns that exclude cannot be added to others: select these files as well`;
  return new EnjambreError('precondition', 'SELECTS_OTHERS', message, { metadata: { setting: 'select' } });
}

function patternsText(patterns: SelectPatterns): string {
  return patterns.map((pattern) => quote(pattern)).join(', ');
}
