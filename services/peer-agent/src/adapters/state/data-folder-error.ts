import { EnjambreError } from '@enjambre/core/error';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';

/** Explains why an agent cannot use its data folder; errors that are not from the file system are passed through. */
export function badDataFolder(cause: unknown, folder: string): unknown {
  if (cause instanceof EnjambreError || errnoOf(cause) === '') return cause;
  const message = `the data folder ${folder} cannot be used (${systemErrorText(cause)}): choose another`;
  const metadata = { setting: 'dataDir' };
  return new EnjambreError('precondition', 'DATA_DIR_UNUSABLE', message, { cause, metadata });
}

/** Explains why the download folder cannot be used. */
export function badDownloadFolder(cause: unknown, folder: string): EnjambreError {
  const message = `the download folder ${folder} cannot be created (${systemErrorText(cause)}): choose another`;
  const metadata = { setting: 'downloadDir' };
  return new EnjambreError('precondition', 'DOWNLOAD_DIR_UNUSABLE', message, { cause, metadata });
}
