import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';

/** What file systems say that know no second name of a file. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Writes a file that is not there yet, whole or not at all: a disk that fills up, or a process that is
 * killed, leaves nothing under its name. Throws the system's errors, EEXIST if there is such a file.
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
