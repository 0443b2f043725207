/**
 * Files of a download that this agent created, as transfer records store it: `all`, `none`, ranges of indexes in the
 * metainfo such as `0-4,9`, or empty if not recorded. Files that existed before belong to the user.
 */
export type OwnFiles = string;

export const NOT_NOTED: OwnFiles = '';

const RANGES = /^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$/;

/** Text that cannot be parsed counts as not recorded. */
export function readOwnFiles(text: string): OwnFiles {
  return text === 'all' || text === 'none' || RANGES.test(text) ? text : NOT_NOTED;
}

/** Returns a test whether a file is the agent's own. */
export function ownerOf(own: OwnFiles): (file: number) => boolean {
  if (own === 'all') return () => true;
  if (own === 'none' || own === NOT_NOTED) return () => false;
  const ranges = readRanges(own);
  return (file) => {
    let from = 0;
    // All ranges before `from` begin at `file` or earlier.
    for (let to = ranges.length; from < to;) {
      const middle = (from + to) >> 1;
      if ((ranges[middle]?.[0] ?? Infinity) <= file) from = middle + 1;
      else to = middle;
    }
    const last = ranges[from - 1]?.[1];
    return last !== undefined && file <= last;
  };
}

/** Sorted, without overlaps: a text written by another version may be neither. */
function readRanges(own: OwnFiles): (readonly [number, number])[] {
  const read = own.split(',').map((range) => range.split('-').map(Number));
  const sorted = read.map(([first = 0, last = first]) => [first, last] as const).sort(([a], [b]) => a - b);
  let reached = -1;
  return sorted.map(([first, last]) => {
    reached = Math.max(reached, last);
    return [first, reached] as const;
  });
}

/** All files of a selection. */
export function ownSelection(files: Iterable<number>, count: number): OwnFiles {
  return withOwn('none', [...files], count);
}

/** Adds files that the agent has created. */
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
