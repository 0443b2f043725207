import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';

/** What a file system says that has no hard links, or no more for this file. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EACCES',
]);

/**
 * Gives a file or folder another path in the same file system, and takes it from nothing else:
 * throws EEXIST if something has it, also if that came at the last moment. `rename` alone would
 * put a file in the place of another. Without hard links, between the look and the
 * rename there is an instant in which that can happen.
 */
export async function moveNew(from: string, to: string, files: DiskFiles): Promise<void> {
  if (await isThere(to)) throw taken(to);
  if ((await files.lstat(from)).isDirectory()) return moveFolder(from, to, files);
  try {
    await files.link(from, to);
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error))) throw error;
    return files.rename(from, to);
  }
  await files.unlink(from);
}

/** Takes the place of an empty folder at most: the system refuses all else. */
async function moveFolder(from: string, to: string, files: DiskFiles): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (['ENOTEMPTY', 'ENOTDIR', 'EEXIST'].includes(errnoOf(error)) && (await isThere(to))) throw taken(to);
    throw error;
  }
}

/** True if anything, a dangling link too, has the path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await SYSTEM_FILES.lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function taken(path: string): Error {
  return Object.assign(new Error(`${path} exists`), { code: 'EEXIST' });
}

/** Removes the folder of a download and `.incomplete` above it, if nothing else is in them. */
export async function removeEmpty(incomplete: string): Promise<void> {
  await rmdir(incomplete).catch(() => undefined);
  await rmdir(dirname(incomplete)).catch(() => undefined);
}
