import { EnjambreError } from '@enjambre/core/error';
import { LeftOutReason, type LeftOut, type LeftOutEntry } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { ifAny, type JsonValue } from './json-line.js';
import { count } from './text.js';

/** Number of entries of each kind that are named. */
const NAMED = 20;

interface Kind {
  /** In `--json`. */
  readonly reason: string;
  readonly text: (entry: LeftOutEntry) => string;
}

const KINDS: Readonly<Partial<Record<LeftOutReason, Kind>>> = {
  [LeftOutReason.LINK]: { reason: 'LINK', text: ({ path }) => `${path} is a symbolic link` },
  [LeftOutReason.OUTSIDE]: {
    reason: 'OUTSIDE',
    text: ({ path }) => `${path} is a symbolic link to a target outside the folder`,
  },
  [LeftOutReason.DANGLING]: {
    reason: 'DANGLING',
    text: ({ path }) => `${path} is a symbolic link without a target`,
  },
  [LeftOutReason.LOOP]: {
    reason: 'LOOP',
    text: ({ path }) => `${path} is a symbolic link to a folder that contains it`,
  },
  [LeftOutReason.INCOMPLETE]: {
    reason: 'INCOMPLETE',
    text: ({ path }) => `${path} contains unfinished downloads`,
  },
  [LeftOutReason.SPECIAL]: { reason: 'SPECIAL', text: ({ path }) => `${path} is a socket, pipe or device` },
  [LeftOutReason.NAME]: { reason: 'NAME', text: ({ path, fault }) => `the name of ${path} ${fault}` },
};

const LINKS: ReadonlySet<LeftOutReason> = new Set([
  LeftOutReason.LINK,
  LeftOutReason.OUTSIDE,
  LeftOutReason.DANGLING,
  LeftOutReason.LOOP,
]);

/** Notes on the parts of a folder that are not shared: the first {@link NAMED} of each kind, then a count. */
export function leftOutNotes(leftOut: LeftOut | undefined): string[] {
  if (!leftOut) return [];
  const ofKind = (wanted: (reason: LeftOutReason) => boolean): LeftOutEntry[] =>
    leftOut.entries.filter(({ reason }) => wanted(reason));
  return [
    ...named(
      leftOut.linkCount,
      'symbolic link',
      ofKind((reason) => LINKS.has(reason)),
    ),
    ...named(
      leftOut.unsupportedCount,
      'name',
      ofKind((reason) => reason === LeftOutReason.NAME),
    ),
    ...named(
      leftOut.specialCount,
      'special file',
      ofKind((reason) => reason === LeftOutReason.SPECIAL),
    ),
    ...named(
      leftOut.incompleteCount,
      'folder of downloads',
      ofKind((reason) => reason === LeftOutReason.INCOMPLETE),
    ),
    ...named(leftOut.emptyFolderCount, 'empty folder', []),
  ];
}

/** Undefined if nothing was left out. */
export function leftOutJson(leftOut: LeftOut | undefined): JsonValue {
  if (!leftOut) return undefined;
  const { linkCount, emptyFolderCount, specialCount, unsupportedCount, incompleteCount } = leftOut;
  if (linkCount + emptyFolderCount + specialCount + unsupportedCount + incompleteCount === 0)
    return undefined;
  return {
    link_count: ifAny(linkCount),
    empty_folder_count: ifAny(emptyFolderCount),
    special_count: ifAny(specialCount),
    unsupported_count: ifAny(unsupportedCount),
    incomplete_count: ifAny(incompleteCount),
    entries: leftOut.entries.map((entry) => ({
      path: entry.path,
      reason: KINDS[entry.reason]?.reason,
      message: KINDS[entry.reason]?.text(entry),
    })),
  };
}

/** The error for a share without its symbolic links: it differs from the folder that the user has. */
export function linksLeftOut(name: string, { linkCount, entries }: LeftOut): EnjambreError {
  const isOutside = entries.some(({ reason }) => reason === LeftOutReason.OUTSIDE);
  const flag = isOutside ? '--follow-links-outside' : '--follow-links';
  const message = `${name} is shared without ${count(linkCount, 'symbolic link')}: follow links with ${flag}, or accept this with --skip-unsupported`;
  return new EnjambreError('precondition', 'LINKS_LEFT_OUT', message);
}

function named(number: number, noun: string, entries: readonly LeftOutEntry[]): string[] {
  if (number === 0) return [];
  const shown = entries
    .slice(0, NAMED)
    .map((entry) => `not shared: ${KINDS[entry.reason]?.text(entry) ?? entry.path}`);
  const more = number - shown.length;
  if (more === 0) return shown;
  return [...shown, `not shared: ${count(more, shown.length > 0 ? `more ${noun}` : noun)}`];
}
