import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { systemErrorText } from '@enjambre/common/system-error';
import { makeFolder } from './make-folder.js';

/**
 * Makes the shared folder if it is not there. Throws `precondition`, SHARED_DIR_UNUSABLE, if
 * that cannot be, and SHARED_DIR_HOLDS_DATA if the agent's own data lies in it: its keys
 * would be shared.
 */
export async function makeSharedDir(folder: string, dataDir: string): Promise<void> {
  let real: string[];
  try {
    await makeFolder(folder);
    real = await Promise.all([realpath(folder), realpath(dataDir)]);
  } catch (cause) {
    const message = `the shared folder ${folder} cannot be made (${systemErrorText(cause)}): name another with --shared-dir`;
    throw new EnjambreError('precondition', 'SHARED_DIR_UNUSABLE', message, { cause });
  }
  const [shared = '', data = ''] = real;
  const way = relative(shared, data);
  if (way === '..' || way.startsWith('../')) return;
  const message = `the data folder ${dataDir}, with the agent's key, lies in the shared folder ${folder}: name another with --shared-dir`;
  throw new EnjambreError('precondition', 'SHARED_DIR_HOLDS_DATA', message);
}
