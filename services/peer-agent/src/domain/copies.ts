import type { ContentCopy, TransferRecord } from './transfer-record.js';

/** Copies that a transfer knows besides the one in use; the oldest are forgotten first. */
export const MAX_COPIES = 15;

/** Where the content itself is: the file, or the folder. */
export function pathOfCopy(
  { origin, location }: Pick<ContentCopy, 'origin' | 'location'>,
  name: string,
): string {
  if (origin) return location;
  return location.endsWith('/') ? location + name : `${location}/${name}`;
}

/** All copies of the whole content, the one in use first. */
export function copiesOf({ complete, origin, location, fingerprint, copies }: TransferRecord): ContentCopy[] {
  return complete ? [{ origin, location, fingerprint }, ...copies] : [...copies];
}

/** What changes when another copy is known. Nothing if it is the one in use. */
export function withCopy(record: TransferRecord, copy: ContentCopy): Pick<TransferRecord, 'copies'> {
  const path = pathOfCopy(copy, record.name);
  if (pathOfCopy(record, record.name) === path) return { copies: record.copies };
  return { copies: [copy, ...without(record, path)].slice(0, MAX_COPIES) };
}

/** What changes when a copy is used instead of the one in use, which is kept if `keep` is set. */
export function usingCopy(
  record: TransferRecord,
  copy: ContentCopy,
  keep: boolean,
): Partial<TransferRecord> & Pick<TransferRecord, 'copies'> {
  const rest = without(record, pathOfCopy(copy, record.name));
  const { origin, location, fingerprint } = record;
  const copies = keep ? [...rest, { origin, location, fingerprint }].slice(-MAX_COPIES) : rest;
  // Whose the files there are was not noted: they count as the user's.
  return { ...copy, copies, complete: true, inPlace: true, recheck: false, ownFiles: 'none' };
}

/** What changes when a path is not a copy any more; undefined if no copy is left. */
export function withoutCopy(record: TransferRecord, path: string): Partial<TransferRecord> | undefined {
  if (pathOfCopy(record, record.name) !== path) return { copies: without(record, path) };
  const [next] = record.copies;
  return next && usingCopy(record, next, false);
}

/** What is the same of content that is, or goes, to a new place: nothing is noted of its files. */
const NEW_PLACE = { movingTo: '', ownFiles: 'none', assembly: '', warning: '', recheck: false } as const;

/** What changes when the content is to be fetched into a folder, as it is at none of its places. */
export function fetchedInto(record: TransferRecord, folder: string): Partial<TransferRecord> {
  const { name } = record;
  const place = { origin: false, location: folder, inPlace: false };
  const copies = otherCopies(copiesOf(record), pathOfCopy(place, name), name);
  const nothing = { complete: false, completedAtMs: 0, bytesDone: 0, fingerprint: '' };
  return { ...NEW_PLACE, ...place, ...nothing, copies };
}

/** What changes when the whole content is shared from a place, `copy`, besides those that are known. */
export function sharedFrom(
  { location, fingerprint }: Omit<ContentCopy, 'origin'>,
  copies: readonly ContentCopy[],
  nowMs: number,
): Partial<TransferRecord> {
  const place = { origin: true, location, fingerprint, inPlace: true, copies };
  return { ...NEW_PLACE, ...place, complete: true, completedAtMs: nowMs, goal: 'run', reason: '' };
}

type Places = Pick<TransferRecord, 'origin' | 'location' | 'copies'>;
type Place = Pick<ContentCopy, 'origin' | 'location'>;

/** Where its content is, or goes, the place in use first. */
export function placesOf({ origin, location, copies }: Places): Place[] {
  return [{ origin, location }, ...copies];
}

/** True if it was shared from a path. */
export function isSharedAt(places: Places, path: string): boolean {
  return placesOf(places).some(({ origin, location }) => origin && location === path);
}

/** These but the one with the path. */
export function otherCopies(copies: readonly ContentCopy[], path: string, name: string): ContentCopy[] {
  return copies.filter((copy) => pathOfCopy(copy, name) !== path).slice(0, MAX_COPIES);
}

function without({ copies, name }: TransferRecord, path: string): ContentCopy[] {
  return otherCopies(copies, path, name);
}
