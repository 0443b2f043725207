import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../system-error.js';
import { syncFolder } from './sync-folder.js';

/** Errors of file systems without hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Writes a file that does not exist yet, atomically: a full disk or a killed process leaves nothing under
 * its name. Throws the system's errors, EEXIST if the file exists.
 */
export function writeNewFile(path: string, data: Uint8Array): Promise<void> {
  return staged(path, { data }, (temporary) =>
    link(temporary, path).catch((error: unknown) => {
      if (!NO_LINKS.has(errnoOf(error))) throw error;
      return rename(temporary, path);
    }),
  );
}

/** Writes a file in place of another, atomically: a crash leaves the old one or the new one. Throws the system's errors. */
export function replaceFile(path: string, data: string, mode: number): Promise<void> {
  return staged(path, { data, mode }, (temporary) => rename(temporary, path));
}

interface Content {
  readonly data: Uint8Array | string;
  /** Exactly; as the system does for new files if absent. */
  readonly mode?: number;
}

/** Writes a temporary file to the disk, which `place` gives its name. */
async function staged(
  path: string,
  { data, mode }: Content,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.enjambre-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      if (mode !== undefined) await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}
