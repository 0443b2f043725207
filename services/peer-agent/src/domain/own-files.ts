/**
 * Which files of a download this agent itself has made, as records keep it: `all`, `none`, ranges of their indexes in
 * the metainfo such as `0-4,9`, or nothing if it was not noted. What was there before is the user's.
 */
export type OwnFiles = string;

export const NOT_NOTED: OwnFiles = '';

const RANGES = /^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$/;

/** What makes no sense counts as not noted. */
export function readOwnFiles(text: string): OwnFiles {
  return text === 'all' || text === 'none' || RANGES.test(text) ? text : NOT_NOTED;
}

/** Tells of each file whether it is the agent's own. */
export function ownerOf(own: OwnFiles): (file: number) => boolean {
  if (own === 'all') return () => true;
  if (own === 'none' || own === NOT_NOTED) return () => false;
  const ranges = own.split(',').map((range) => range.split('-').map(Number));
  return (file) => ranges.some(([first = 0, last = first]) => first <= file && file <= last);
}

/** Besides those before, the agent has made these. */
export function withOwn(own: OwnFiles, made: readonly number[], count: number): OwnFiles {
  if (made.length === 0 || own === 'all') return own;
  const before = ownerOf(own);
  const now = new Set(made);
  const files = Array.from({ length: count }, (_, file) => file).filter(
    (file) => now.has(file) || before(file),
  );
  return files.length === count ? 'all' : rangesOf(files);
}

function rangesOf(files: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const file of files) {
    const range = ranges.at(-1);
    if (range?.[1] === file - 1) range[1] = file;
    else ranges.push([file, file]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
