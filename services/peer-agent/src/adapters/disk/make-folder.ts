import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';

/**
 * Makes a folder and those above it, if they are not there. Node's own recursive mkdir
 * never returns where a folder cannot be made although its parent exists, as in /proc.
 */
export async function makeFolder(path: string, mode = 0o755): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(path), mode);
    await makeOne(path, mode);
  }
}

/** Another may make it at the same time. */
async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
