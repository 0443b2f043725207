import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';

/** Errors of file systems without hard links, or with too many for this file. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EACCES',
]);

/**
 * Moves a file or folder within a file system without replacing anything: throws EEXIST if the target exists, even if
 * it appeared at the last moment. `rename` alone would replace a file. Without hard links, there is a short window
 * between the check and the rename in which that can happen.
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

/**
 * Moves a file or folder to a path within a file system in place of what is there. A file replaces a file at once, and
 * who has the old one open keeps it. Otherwise the old entry is first moved to `aside`: between the two moves nothing is
 * at the path. With `keeps`, a file that is replaced is then at `aside`, too.
 */
export async function moveOver(
  from: string,
  to: string,
  { aside, keeps, files }: { readonly aside: string; readonly keeps: boolean; readonly files: DiskFiles },
): Promise<void> {
  if (!(await isThere(to))) return moveNew(from, to, files);
  const looks = await Promise.all([from, to].map((path) => files.lstat(path)));
  const areFiles = !looks.some((look) => look.isDirectory());
  if (areFiles && !keeps) return files.rename(from, to);
  const isLinked = areFiles && (await linked(to, aside, files));
  if (!isLinked) await files.rename(to, aside);
  try {
    await files.rename(from, to);
  } catch (error) {
    await (isLinked ? files.unlink(aside) : files.rename(aside, to));
    throw error;
  }
}

/** False on file systems without hard links. */
async function linked(path: string, other: string, files: DiskFiles): Promise<boolean> {
  try {
    await files.link(path, other);
    return true;
  } catch (error) {
    if (NO_LINKS.has(errnoOf(error))) return false;
    throw error;
  }
}

/** Replaces at most an empty folder: the system refuses anything else. */
async function moveFolder(from: string, to: string, files: DiskFiles): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (['ENOTEMPTY', 'ENOTDIR', 'EEXIST'].includes(errnoOf(error)) && (await isThere(to))) throw taken(to);
    throw error;
  }
}

/** True if anything exists at the path, including a dangling link. */
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

/** Removes the folder of a download and `.incomplete` above it, if they are empty. */
export async function removeEmpty(incomplete: string): Promise<void> {
  await rmdir(incomplete).catch(() => undefined);
  await rmdir(dirname(incomplete)).catch(() => undefined);
}
