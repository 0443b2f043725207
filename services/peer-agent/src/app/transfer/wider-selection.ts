import { EnjambreError } from '@enjambre/core/error';
import { shortId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import { NO_FAILURE, type TransferRecord } from '../../domain/transfer-record.js';
import { partInPlace } from '../content.js';
import type { TransferArchive } from '../ports/archives.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { checkPatterns, prepareSelection, type SelectPatterns } from '../select-files.js';
import type { Transfer } from './transfer.js';

/** Failures of a selection that the content does not have. */
const USELESS: ReadonlySet<string> = new Set(['NOTHING_SELECTED', 'NOT_A_FOLDER']);

interface WiderParts {
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
}

/**
 * Changes of a known transfer that is requested again with these patterns; undefined if it has these files, or gets
 * them. What it selects only grows: a download never deletes what it has fetched. A part under its final name does not
 * grow at all, since what else is in that folder is not the agent's own. If it is gone, or goes to another `folder`, it
 * must be fetched again: `inPlace` is then false. Throws as {@link prepareSelection} does, and `precondition` PART_IN_PLACE, SELECTS_MORE and SELECTS_OTHERS.
 */
export async function widened(
  known: Transfer,
  patterns: SelectPatterns,
  { archive, stores, folder }: WiderParts & { readonly folder: string },
): Promise<Partial<TransferRecord> | undefined> {
  const { record } = known;
  if (record.origin || isSame(record.select, patterns)) return undefined;
  const metainfo = await archive.readMetainfo(record.infohash);
  if (!metainfo) return widenedUnknown(record, patterns);
  const old = await prepareSelection(metainfo, record.select);
  const next = await prepareSelection(metainfo, patterns);
  const isLess = old.isAll && !next.isAll;
  if (isLess && !record.complete) throw selectsMore(record);
  if (old.includes(next)) return undefined;
  const select = next.includes(old) ? patterns : together(record, patterns);
  const wider = await prepareSelection(metainfo, select);
  const isHere = record.inPlace && folder === record.location;
  if (isHere && (await stores.download(metainfo, folder, true, old).exists())) throw partInPlace(record);
  const place = record.inPlace ? { inPlace: false } : { doneBytes: record.doneBytes };
  return { select, selectedBytes: wider.bytes, ...place, goal: 'run', ...NO_FAILURE };
}

/** Without the metainfo, only the patterns can be compared. Those that select nothing are replaced. */
function widenedUnknown(
  record: TransferRecord,
  patterns: SelectPatterns,
): Partial<TransferRecord> | undefined {
  const isUseless = record.goal === 'failed' && USELESS.has(record.reason);
  if (!isUseless && record.select.length === 0) return undefined;
  const isKnown = patterns.length > 0 && patterns.every((each) => record.select.includes(each));
  if (!isUseless && isKnown && !patterns.some(excludes)) return undefined;
  const select = isUseless || patterns.length === 0 ? patterns : together(record, patterns);
  return { select, goal: 'run', ...NO_FAILURE };
}

/** The patterns of both. */
function together(record: TransferRecord, patterns: SelectPatterns): SelectPatterns {
  const both = [...new Set([...record.select, ...patterns])];
  if (both.some(excludes)) throw selectsOthers(record);
  checkPatterns(both);
  return both;
}

function excludes(pattern: string): boolean {
  return pattern.startsWith('!');
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
