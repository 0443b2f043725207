import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { quote } from '@enjambre/core/quote';
import { runSteps, StepCount, type Steps } from '@enjambre/core/steps';
import { turns } from '@enjambre/common/async/turns';
import { Minimatch } from 'minimatch';
import { Selection } from '../domain/selection.js';

/**
 * Patterns that select files of a folder by their path in it: `*` and `?` within a name, `**` across folders, `[...]`,
 * `{a,b}`. With a leading `!` they exclude. One whose last name is no pattern, or that ends in `/`, also selects all
 * files in the folder of that path. One that is itself the path of a file or folder in the content selects exactly that,
 * whatever characters it has. No patterns select all files.
 */
export type SelectPatterns = readonly string[];

type Named = Pick<Metainfo, 'name' | 'isFolder' | 'files'>;

const MAX_PATTERNS = 100;
const MAX_PATTERN_CHARACTERS = 1024;
/** Patterns that the braces of one may stand for. */
const MAX_ALTERNATIVES = 100;
/** Paths named in a message. */
const MAX_EXAMPLES = 5;

/** Throws `invalid` BAD_SELECT for patterns that no path can match, and for more than an agent takes. */
export function checkPatterns(patterns: SelectPatterns): void {
  if (patterns.length > MAX_PATTERNS)
    throw badSelect(
      `a transfer takes at most ${MAX_PATTERNS} patterns, with those that it has: select a folder, or all`,
    );
  for (const pattern of patterns) {
    if (pattern.length > MAX_PATTERN_CHARACTERS)
      throw badSelect(`a pattern has at most ${MAX_PATTERN_CHARACTERS} characters: choose a shorter one`);
    if (partsOf(pattern).glob === '')
      throw badSelect(`the pattern ${quote(pattern)} names no path: choose another`);
  }
}

/** The files that `patterns` select. Throws as {@link prepareMatch} does. */
export function selectionOf(metainfo: Metainfo, patterns: SelectPatterns): Selection {
  return runSteps(selectionSteps(metainfo, patterns));
}

/** The same in turns: a later {@link selectionOf} takes no time, even if there are a million files. */
export function prepareSelection(metainfo: Metainfo, patterns: SelectPatterns): Promise<Selection> {
  return turns.run(selectionSteps(metainfo, patterns));
}

/**
 * Returns a test whether a file is selected, by its index. Throws `invalid` NOT_A_FOLDER for a single file, and
 * `not-found` NOTHING_SELECTED if no file with content is selected.
 */
export function prepareMatch(content: Named, patterns: SelectPatterns): Promise<(file: number) => boolean> {
  return turns.run(matchSteps(content, patterns));
}

/** False if {@link selectionOf} throws. */
export function selectsAny(metainfo: Metainfo, patterns: SelectPatterns): boolean {
  try {
    return selectionOf(metainfo, patterns).fileCount > 0;
  } catch {
    return false;
  }
}

/** Selections in use, by metainfo and patterns: there may be a million files. */
const selections = new WeakMap<Metainfo, Map<string, Selection>>();

function* selectionSteps(metainfo: Metainfo, patterns: SelectPatterns): Steps<Selection> {
  const known = selections.get(metainfo) ?? new Map<string, Selection>();
  selections.set(metainfo, known);
  const key = JSON.stringify(patterns);
  const isSelected = known.has(key) ? undefined : yield* matchSteps(metainfo, patterns);
  const selection = known.get(key) ?? new Selection(metainfo, patterns.length === 0 ? undefined : isSelected);
  known.set(key, selection);
  return selection;
}

function* matchSteps(content: Named, patterns: SelectPatterns): Steps<(file: number) => boolean> {
  const { name, isFolder, files } = content;
  if (patterns.length === 0) return () => true;
  if (!isFolder) {
    const message = `${quote(name)} is a single file, not a folder: download it without a selection`;
    throw new EnjambreError('invalid', 'NOT_A_FOLDER', message);
  }
  const step = new StepCount();
  const matches = matcherOf(patterns, yield* plainSteps(files, patterns));
  const selected = new Set<number>();
  let bytes = 0;
  for (const [file, { path, length }] of files.entries()) {
    if (step.isFull()) yield;
    if (!matches(path.join('/'))) continue;
    selected.add(file);
    bytes += length;
  }
  if (bytes === 0) throw nothingSelected(content, patterns, selected.size > 0);
  return (file) => selected.has(file);
}

/** Patterns that are the path of a file or folder in the content. */
function* plainSteps(files: Named['files'], patterns: SelectPatterns): Steps<ReadonlySet<string>> {
  const wanted = new Set(patterns.flatMap((each) => [plainPath(each), plainPath(partsOf(each).glob)]));
  const found = new Set<string>();
  const step = new StepCount();
  for (const { path } of files) {
    if (step.isFull()) yield;
    const names = path.join('/').normalize();
    for (let end = names.indexOf('/'); end !== -1; end = names.indexOf('/', end + 1))
      if (wanted.has(names.slice(0, end))) found.add(names.slice(0, end));
    if (wanted.has(names)) found.add(names);
  }
  return found;
}

/**
 * Returns a test whether a path is selected. It takes polynomial time, since minimatch does not backtrack.
 *
 * @param plain the patterns that are paths of files or folders
 */
export function matcherOf(
  patterns: SelectPatterns,
  plain: ReadonlySet<string> = new Set(),
): (path: string) => boolean {
  const paths = new Set(patterns.map(plainPath).filter((path) => plain.has(path)));
  const parts = patterns.filter((pattern) => !plain.has(plainPath(pattern))).map(partsOf);
  const [taken, left] = [false, true].map((isExcluding) =>
    parts.filter((part) => part.excludes === isExcluding).flatMap(({ glob }) => matchersOf(glob, plain)),
  ) as [Matcher[], Matcher[]];
  taken.push(...[...paths].map(exactly));
  return (path) => {
    const name = path.normalize();
    const isTaken = taken.length === 0 || taken.some((each) => each.match(name));
    return isTaken && !left.some((each) => each.match(name));
  };
}

type Matcher = Pick<Minimatch, 'match'>;

/** Matches a path, and all below it. */
function exactly(path: string): Matcher {
  return { match: (name) => name === path || name.startsWith(`${path}/`) };
}

/** A pattern as a path. */
function plainPath(pattern: string): string {
  return pattern
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .normalize();
}

/** Without a leading `!`, `./` or `/`. */
function partsOf(pattern: string): { readonly excludes: boolean; readonly glob: string } {
  const excludes = pattern.startsWith('!');
  const glob = pattern
    .slice(excludes ? 1 : 0)
    .replace(/^(\.?\/)+/, '')
    .normalize();
  return { excludes, glob };
}

const OPTIONS = {
  dot: true,
  noext: true,
  nocomment: true,
  nonegate: true,
  platform: 'linux',
  braceExpandMax: MAX_ALTERNATIVES,
} as const;

function matchersOf(glob: string, plain: ReadonlySet<string>): Matcher[] {
  const folder = glob.replace(/\/+$/, '');
  if (plain.has(folder)) return [exactly(folder)];
  const inFolder = new Minimatch(`${folder}/**`, OPTIONS);
  if (folder !== glob) return [inFolder];
  const itself = new Minimatch(glob, OPTIONS);
  const namesFolder = itself.set.some((names) => typeof names.at(-1) === 'string');
  return namesFolder ? [itself, inFolder] : [itself];
}

function badSelect(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_SELECT', fault, { metadata: { setting: 'select' } });
}

function nothingSelected({ name, files }: Named, patterns: SelectPatterns, empty: boolean): EnjambreError {
  const wanted = patterns.map((pattern) => quote(pattern)).join(', ');
  const what = empty ? `${wanted} selects only empty files` : `no file matches ${wanted}`;
  const some = files.slice(0, MAX_EXAMPLES).map(({ path }) => quote(path.join('/')));
  const more = files.length > some.length ? ` and ${files.length - some.length} more` : '';
  const message = `${what} in ${quote(name)}, which has ${some.join(', ')}${more}: choose others`;
  return new EnjambreError('not-found', 'NOTHING_SELECTED', message, { metadata: { setting: 'select' } });
}
