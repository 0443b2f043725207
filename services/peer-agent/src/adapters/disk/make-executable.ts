import { basename, relative } from 'node:path';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import type { DiskFiles } from './disk-files.js';

/** Errors of file systems without file modes. */
const NO_MODES: ReadonlySet<string> = new Set([
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
]);

/**
 * Makes files executable for everyone who may read them. Returns a sentence on files for which this failed: FUSE, CIFS
 * and FAT may not support it.
 *
 * @param root the folder that the paths are in, for the sentence
 */
export async function makeExecutable(
  paths: readonly string[],
  root: string,
  files: Pick<DiskFiles, 'stat' | 'chmod'>,
): Promise<string> {
  const refused: string[] = [];
  let reason = '';
  for (const path of paths) {
    const { mode } = await files.stat(path);
    const wanted = mode | ((mode & 0o444) >> 2);
    if (wanted === mode) continue;
    try {
      await files.chmod(path, wanted);
    } catch (error) {
      if (!NO_MODES.has(errnoOf(error))) throw error;
      refused.push(relative(root, path) || basename(path));
      reason = systemErrorText(error);
    }
  }
  return refused.length === 0 ? '' : notExecutable(refused, reason);
}

function notExecutable([first = '', ...more]: readonly string[], reason: string): string {
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `the file system does not support executable files (${reason}): ${first}${others} should be executable`;
}
