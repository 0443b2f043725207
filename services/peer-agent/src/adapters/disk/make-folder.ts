import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';

/** Another process may remove an empty folder just before a subfolder is created in it. */
const ATTEMPTS = 3;

/**
 * Creates a folder and its missing parents. Node's own recursive mkdir never returns if a folder cannot be created
 * although its parent exists, as in /proc.
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

/** Another process may create it at the same time. */
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
