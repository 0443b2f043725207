import { EnjambreError } from '@enjambre/core/error';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';

/** Says why an agent cannot work on its data folder; errors that are not the file system's are passed on. */
export function badDataFolder(cause: unknown, folder: string): unknown {
  if (cause instanceof EnjambreError || errnoOf(cause) === '') return cause;
  const message = `the data folder ${folder} cannot be used (${systemErrorText(cause)}): name another`;
  const metadata = { setting: 'dataDir' };
  return new EnjambreError('precondition', 'DATA_DIR_UNUSABLE', message, { cause, metadata });
}

/** Says why downloads cannot go where they should. */
export function badDownloadFolder(cause: unknown, folder: string): EnjambreError {
  const message = `the download folder ${folder} cannot be made (${systemErrorText(cause)}): name another`;
  const metadata = { setting: 'downloadDir' };
  return new EnjambreError('precondition', 'DOWNLOAD_DIR_UNUSABLE', message, { cause, metadata });
}
