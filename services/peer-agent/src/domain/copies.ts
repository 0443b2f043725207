import { NO_FAILURE, type ContentCopy, type TransferRecord } from './transfer-record.js';

/** Maximum number of copies known besides the current one; the oldest are forgotten first. */
export const MAX_COPIES = 15;

/** Path of the content itself: the file, or the folder. */
export function pathOfCopy(
  { origin, location }: Pick<ContentCopy, 'origin' | 'location'>,
  name: string,
): string {
  if (origin) return location;
  return location.endsWith('/') ? location + name : `${location}/${name}`;
}

/** All copies of the complete content, the current one first. Selected files alone are no copy. */
export function copiesOf(record: TransferRecord): ContentCopy[] {
  const { complete, select, origin, location, fingerprint, copies } = record;
  return complete && select.length === 0 ? [{ origin, location, fingerprint }, ...copies] : [...copies];
}

/** Changes when another copy becomes known. Nothing changes if it is the current one. */
export function withCopy(record: TransferRecord, copy: ContentCopy): Pick<TransferRecord, 'copies'> {
  const path = pathOfCopy(copy, record.name);
  if (pathOfCopy(record, record.name) === path) return { copies: record.copies };
  return { copies: [copy, ...without(record, path)].slice(0, MAX_COPIES) };
}

/** Changes when another copy is used instead of the current one, which is kept if `keep` is set. */
export function usingCopy(
  record: TransferRecord,
  copy: ContentCopy,
  keep: boolean,
): Partial<TransferRecord> & Pick<TransferRecord, 'copies'> {
  const rest = without(record, pathOfCopy(copy, record.name));
  const { origin, location, fingerprint } = record;
  const copies = keep ? [...rest, { origin, location, fingerprint }].slice(-MAX_COPIES) : rest;
  // The origin of these files was not recorded: they count as the user's.
  return { ...copy, copies, complete: true, inPlace: true, recheck: false, ownFiles: 'none' };
}

/** Changes when a path is no longer a copy; undefined if no copy is left. */
export function withoutCopy(record: TransferRecord, path: string): Partial<TransferRecord> | undefined {
  if (pathOfCopy(record, record.name) !== path) return { copies: without(record, path) };
  const [next] = record.copies;
  return next && usingCopy(record, next, false);
}

/** Fields that are reset when content gets a new place: nothing is recorded about its files. */
const NEW_PLACE = { movingTo: '', ownFiles: 'none', assembly: '', warning: '', recheck: false } as const;

/** Changes when the content must be fetched into a folder because none of its places has it. */
export function fetchedInto(record: TransferRecord, folder: string): Partial<TransferRecord> {
  const { name } = record;
  const place = { origin: false, location: folder, inPlace: false };
  const copies = otherCopies(copiesOf(record), pathOfCopy(place, name), name);
  const nothing = { complete: false, completedAtMs: 0, doneBytes: 0, fingerprint: '' };
  return { ...NEW_PLACE, ...place, ...nothing, copies };
}

/** Changes when the complete content is shared from a place, `copy`, in addition to the known ones. */
export function sharedFrom(
  { location, fingerprint }: Omit<ContentCopy, 'origin'>,
  copies: readonly ContentCopy[],
  nowMs: number,
): Partial<TransferRecord> {
  const place = { origin: true, location, fingerprint, inPlace: true, select: [], copies };
  return { ...NEW_PLACE, ...place, complete: true, completedAtMs: nowMs, goal: 'run', ...NO_FAILURE };
}

type Places = Pick<TransferRecord, 'origin' | 'location' | 'copies'>;
type Place = Pick<ContentCopy, 'origin' | 'location'>;

/** Places of the content, present or future, the current one first. */
export function placesOf({ origin, location, copies }: Places): Place[] {
  return [{ origin, location }, ...copies];
}

/** True if the content was shared from this path. */
export function isSharedAt(places: Places, path: string): boolean {
  return placesOf(places).some(({ origin, location }) => origin && location === path);
}

/** All copies except the one with this path. */
export function otherCopies(copies: readonly ContentCopy[], path: string, name: string): ContentCopy[] {
  return copies.filter((copy) => pathOfCopy(copy, name) !== path).slice(0, MAX_COPIES);
}

function without({ copies, name }: TransferRecord, path: string): ContentCopy[] {
  return otherCopies(copies, path, name);
}
