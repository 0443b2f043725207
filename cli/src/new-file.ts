import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';

/** Errors of file systems without hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Writes a file that does not exist yet, atomically: a full disk or a killed process leaves nothing under
 * its name. Throws the system's errors, EEXIST if the file exists.
 */
export async function writeNewFile(path: string, data: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.enjambre-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path).catch((error: unknown) => {
      if (!NO_LINKS.has(errnoOf(error))) throw error;
      return rename(temporary, path);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
