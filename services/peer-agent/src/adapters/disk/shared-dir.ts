import { realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { systemErrorText } from '@enjambre/common/system-error';
import { makeFolder } from './make-folder.js';
import type { PrivateFolders } from './private-folders.js';

const OF_SHARED = { setting: 'sharedDir' };

/**
 * Creates the shared folder if it is missing. Throws `precondition` SHARED_DIR_UNUSABLE if that fails, and
 * SHARED_DIR_HOLDS_DATA if the agent's own data is in it, or it is in an agent's data folder: keys would be shared.
 */
export async function makeSharedDir(
  folder: string,
  dataDir: string,
  privates: PrivateFolders,
): Promise<void> {
  let real: string[];
  try {
    await makeFolder(folder);
    real = await Promise.all([realpath(folder), realpath(dataDir)]);
  } catch (cause) {
    const message = `the shared folder ${folder} cannot be created (${systemErrorText(cause)}): choose another`;
    throw new EnjambreError('precondition', 'SHARED_DIR_UNUSABLE', message, { cause, metadata: OF_SHARED });
  }
  const [shared = '', data = ''] = real;
  if (isInside(data, shared)) {
    const message = `the data folder ${dataDir}, with the agent's key, is in the shared folder ${folder}: choose another`;
    throw new EnjambreError('precondition', 'SHARED_DIR_HOLDS_DATA', message, { metadata: OF_SHARED });
  }
  const around = await (await privates.look()).dataFolderAround(shared);
  if (around === undefined) return;
  const message = `the shared folder ${folder} is in the data folder ${around}, with an agent's key: choose another`;
  throw new EnjambreError('precondition', 'SHARED_DIR_HOLDS_DATA', message, { metadata: OF_SHARED });
}

/**
 * Ensures that a download cannot replace a key or token of the agent. Throws `precondition` DOWNLOAD_DIR_HOLDS_DATA if
 * the download folder is the data folder or its transfers folder.
 */
export async function checkDownloadDir(folder: string, dataDir: string): Promise<void> {
  const [real, data] = await Promise.all([realpath(folder), realpath(dataDir)]);
  if (real !== data && !isInside(real, join(data, 'transfers'))) return;
  const message = `the agent keeps its keys and state in the download folder ${folder}: choose another`;
  const metadata = { setting: 'downloadDir' };
  throw new EnjambreError('precondition', 'DOWNLOAD_DIR_HOLDS_DATA', message, { metadata });
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith('../');
}
