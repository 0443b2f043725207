import { getSystemErrorMap } from 'node:util';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { errnoOf } from '../disk/disk-errors.js';

/** Says why an agent cannot work on its data folder; errors that are not the file system's are passed on. */
export function badDataFolder(cause: unknown, folder: string): unknown {
  if (cause instanceof EnjambreError || errnoOf(cause) === '') return cause;
  const { errno } = cause as NodeJS.ErrnoException;
  const [, why] = getSystemErrorMap().get(errno ?? 0) ?? ['', messageOf(cause)];
  const message = `the data folder ${folder} cannot be used (${why}): name another with --data-dir`;
  return new EnjambreError('precondition', 'DATA_DIR_UNUSABLE', message, { cause });
}
