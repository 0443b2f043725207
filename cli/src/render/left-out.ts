import { EnjambreError } from '@enjambre/core/error';
import { LeftOutReason, type LeftOut, type LeftOutEntry } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { JsonValue } from './json-line.js';
import { count } from './text.js';

/** So many of a kind are named. */
const NAMED = 20;

interface Kind {
  /** In `--json`. */
  readonly word: string;
  readonly text: (entry: LeftOutEntry) => string;
}

const KINDS: Readonly<Partial<Record<LeftOutReason, Kind>>> = {
  [LeftOutReason.LINK]: { word: 'link', text: ({ path }) => `${path} is a symbolic link` },
  [LeftOutReason.OUTSIDE]: {
    word: 'outside',
    text: ({ path }) => `${path} is a symbolic link that leads out of the folder`,
  },
  [LeftOutReason.DANGLING]: {
    word: 'dangling',
    text: ({ path }) => `${path} is a symbolic link that leads to nothing`,
  },
  [LeftOutReason.LOOP]: {
    word: 'loop',
    text: ({ path }) => `${path} is a symbolic link to a folder that it lies in`,
  },
  [LeftOutReason.INCOMPLETE]: { word: 'incomplete', text: ({ path }) => `${path} holds downloads under way` },
  [LeftOutReason.SPECIAL]: { word: 'special', text: ({ path }) => `${path} is a socket, pipe or device` },
  [LeftOutReason.NAME]: { word: 'name', text: ({ path, fault }) => `the name of ${path} ${fault}` },
};

const LINKS: ReadonlySet<LeftOutReason> = new Set([
  LeftOutReason.LINK,
  LeftOutReason.OUTSIDE,
  LeftOutReason.DANGLING,
  LeftOutReason.LOOP,
]);

/** What of a folder is not shared: sentences, the first of each kind and how many more there are. */
export function leftOutNotes(leftOut: LeftOut | undefined): string[] {
  if (!leftOut) return [];
  const { links, emptyFolders, others, unsupported, incomplete, entries } = leftOut;
  const ofKind = (wanted: (reason: LeftOutReason) => boolean): LeftOutEntry[] =>
    entries.filter(({ reason }) => wanted(reason));
  return [
    ...named(
      links,
      'symbolic link',
      ofKind((reason) => LINKS.has(reason)),
    ),
    ...named(
      unsupported,
      'name',
      ofKind((reason) => reason === LeftOutReason.NAME),
    ),
    ...named(
      others,
      'special file',
      ofKind((reason) => reason === LeftOutReason.SPECIAL),
    ),
    ...named(
      incomplete,
      'folder of downloads',
      ofKind((reason) => reason === LeftOutReason.INCOMPLETE),
    ),
    ...named(emptyFolders, 'empty folder', []),
  ];
}

export function leftOutJson(leftOut: LeftOut | undefined): { readonly [key: string]: JsonValue } {
  return {
    links: leftOut?.links ?? 0,
    empty_folders: leftOut?.emptyFolders ?? 0,
    others: leftOut?.others ?? 0,
    unsupported: leftOut?.unsupported ?? 0,
    incomplete: leftOut?.incomplete ?? 0,
    entries: (leftOut?.entries ?? []).map(({ path, reason, fault }) => ({
      path,
      reason: KINDS[reason]?.word ?? 'unknown',
      fault,
    })),
  };
}

/** A share lacks what links lead to. It is an error, since it is not what its user has in the folder. */
export function linksLeftOut(name: string, { links, entries }: LeftOut): EnjambreError {
  const isOutside = entries.some(({ reason }) => reason === LeftOutReason.OUTSIDE);
  const flag = isOutside ? '--follow-links-outside' : '--follow-links';
  const message = `${name} is shared without ${count(links, 'symbolic link')}: follow links with ${flag}, or accept it with --skip-unsupported`;
  return new EnjambreError('precondition', 'LINKS_LEFT_OUT', message);
}

function named(number: number, noun: string, entries: readonly LeftOutEntry[]): string[] {
  if (number === 0) return [];
  const shown = entries
    .slice(0, NAMED)
    .map((entry) => `not shared: ${KINDS[entry.reason]?.text(entry) ?? entry.path}`);
  const more = number - shown.length;
  if (more === 0) return shown;
  return [...shown, `not shared: ${count(more, noun)}${shown.length > 0 ? ' more' : ''}`];
}
