import { EnjambreError } from '@enjambre/core/error';
import { MAX_FILES } from '@enjambre/core/metainfo';
import { escapeHidden } from '@enjambre/core/quote';
import { RESERVED_NAME } from '../../app/ports/store-factory.js';
import type { LeftOut, LeftOutEntry } from '../../app/ports/sharing.js';
import { diskError } from './disk-errors.js';

/** Maximum number of names in one sentence. */
const SHOWN = 5;

/** Errors for paths that cannot be shared, each with the next step. */
export function isLink(path: string): EnjambreError {
  const message = `${shown(path)} is a symbolic link, which is not followed: put the content itself there, or follow links`;
  return new EnjambreError('invalid', 'IS_LINK', message, { metadata: { setting: 'sharedLinks' } });
}

export function leadsOutside(path: string, real: string): EnjambreError {
  const message = `${shown(path)} is a symbolic link that leads out of the folder, to ${shown(real)}: put the content itself there, or follow it`;
  return new EnjambreError('invalid', 'IS_LINK', message, { metadata: { setting: 'sharedLinks=anywhere' } });
}

export function notAFile(path: string): EnjambreError {
  const message = `${shown(path)} is neither a file nor a folder: choose one of these`;
  return new EnjambreError('invalid', 'NOT_A_FILE', message);
}

export function incomplete(path: string): EnjambreError {
  const message = `${shown(path)} is in a ${RESERVED_NAME} folder, where agents keep downloads in progress: share it when it is complete`;
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
  const but =
    links + others + unsupported + parts > 0 ? ' except entries that are not shared, such as links' : '';
  const message = `${shown(path)} contains no data${but}: put at least one non-empty file in it`;
  return new EnjambreError('invalid', 'EMPTY_FOLDER', message);
}

export function notUtf8(path: string): EnjambreError {
  const message = `${shown(path)} does not exist, or its name is not UTF-8, which cannot be shared: check the path, or rename it`;
  return new EnjambreError('not-found', 'PATH_NOT_FOUND', message);
}

/** @param all total number, of which some are named */
export function unsupported(root: string, named: readonly LeftOutEntry[], all: number): EnjambreError {
  const some = named.slice(0, SHOWN).map(({ path, fault }) => `${shown(root)}/${path} ${fault}`);
  const more = all > some.length ? `, and ${all - some.length} more` : '';
  const message = `some names cannot be shared: ${some.join('; ')}${more}: rename them, or leave them out`;
  const metadata = { setting: 'skipUnsupported' };
  return new EnjambreError('invalid', 'UNSUPPORTED_NAMES', message, { metadata });
}

export function tooMany(root: string, at: string): EnjambreError {
  const message = `${shown(root)} contains more than ${MAX_FILES} files and folders (at ${shown(at)}): share the folders in it one by one`;
  return new EnjambreError('invalid', 'TOO_MANY_FILES', message);
}

export function cancelled(): EnjambreError {
  return new EnjambreError('cancelled', 'CANCELLED', 'sharing was cancelled');
}

export function changed(path: string): EnjambreError {
  const message = `${shown(path)} changed while it was read: share it when it is finished`;
  return new EnjambreError('precondition', 'CHANGED_WHILE_READ', message);
}

/** Converts a system error about content to share. */
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
