import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';

/** Somebody may remove an empty folder in which another is just to be made. */
const ATTEMPTS = 3;

/**
 * Makes a folder and those above it, if they are not there. Node's own recursive mkdir
 * never returns where a folder cannot be made although its parent exists, as in /proc.
 */
export async function makeFolder(path: string, mode = 0o755): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeOne(path, mode);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
    await makeFolder(dirname(path), mode);
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
