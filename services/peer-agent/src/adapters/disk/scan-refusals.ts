import { EnjambreError } from '@enjambre/core/error';
import { MAX_FILES } from '@enjambre/core/metainfo';
import { escapeHidden } from '@enjambre/core/quote';
import { RESERVED_NAME } from '../../app/ports/store-factory.js';
import type { LeftOut, LeftOutEntry } from '../../app/ports/sharing.js';
import { diskError } from './disk-errors.js';

/** Names shown in one sentence. */
const SHOWN = 5;

/** Why a path cannot be shared, each with what to do. */
export function isLink(path: string): EnjambreError {
  const message = `${shown(path)} is a symbolic link, and what it leads to is not shared: put the content itself there, or have links followed`;
  return new EnjambreError('invalid', 'IS_LINK', message, { metadata: { setting: 'sharedLinks' } });
}

export function leadsOutside(path: string, real: string): EnjambreError {
  const message = `${shown(path)} is a symbolic link that leads out of the folder, to ${shown(real)}: put the content itself there, or have it followed`;
  return new EnjambreError('invalid', 'IS_LINK', message, { metadata: { setting: 'sharedLinks=anywhere' } });
}

export function notAFile(path: string): EnjambreError {
  const message = `${shown(path)} is neither a file nor a folder: share one of these`;
  return new EnjambreError('invalid', 'NOT_A_FILE', message);
}

export function incomplete(path: string): EnjambreError {
  const message = `${shown(path)} lies in a folder ${RESERVED_NAME}, where agents keep downloads under way: share it when it is complete`;
  return new EnjambreError('precondition', 'INCOMPLETE', message);
}

export function emptyFile(path: string): EnjambreError {
  const message = `${shown(path)} is empty: there is nothing to share`;
  return new EnjambreError('invalid', 'EMPTY_FILE', message);
}

export function emptyFolder(
  path: string,
  { links, others, unsupported, incomplete: parts }: LeftOut,
): EnjambreError {
  const but = links + others + unsupported + parts > 0 ? ' but what is not shared, such as links' : '';
  const message = `${shown(path)} holds no data${but}: put at least one non-empty file in it`;
  return new EnjambreError('invalid', 'EMPTY_FOLDER', message);
}

export function notUtf8(path: string): EnjambreError {
  const message = `${shown(path)} is not there, or its name is not UTF-8, which cannot be shared: check the path, or rename it`;
  return new EnjambreError('not-found', 'PATH_NOT_FOUND', message);
}

/** @param all how many there are, of which some are named */
export function unsupported(root: string, named: readonly LeftOutEntry[], all: number): EnjambreError {
  const some = named.slice(0, SHOWN).map(({ path, fault }) => `${shown(root)}/${path} ${fault}`);
  const more = all > some.length ? `, and ${all - some.length} more` : '';
  const message = `not every name can be shared: ${some.join('; ')}${more}: rename them, or leave them out`;
  const metadata = { setting: 'skipUnsupported' };
  return new EnjambreError('invalid', 'UNSUPPORTED_NAMES', message, { metadata });
}

export function tooMany(root: string, at: string): EnjambreError {
  const message = `${shown(root)} holds more than ${MAX_FILES} files and folders (at ${shown(at)}): share the folders in it one by one`;
  return new EnjambreError('invalid', 'TOO_MANY_FILES', message);
}

export function cancelled(): EnjambreError {
  return new EnjambreError('cancelled', 'CANCELLED', 'sharing was cancelled');
}

export function changed(path: string): EnjambreError {
  const message = `${shown(path)} changed while it was read: share it when it is finished`;
  return new EnjambreError('precondition', 'CHANGED_WHILE_READ', message);
}

/** What an error of the system means for what is to be shared. */
export function unreadable(error: unknown, path: string): EnjambreError {
  const known = diskError(error, shown(path), 'other');
  if (known.reason === 'FILE_MISSING') {
    const message = `${shown(path)} does not exist: check the path`;
    return new EnjambreError('not-found', 'PATH_NOT_FOUND', message, { cause: error });
  }
  if (known.reason === 'PATH_DENIED') {
    const message = `${shown(path)} cannot be read by the agent: fix its permissions`;
    return new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
  return known;
}

function shown(path: string): string {
  return escapeHidden(path);
}
