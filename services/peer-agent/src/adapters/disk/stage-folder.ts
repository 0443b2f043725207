import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import { makeFolder } from './make-folder.js';

/** Other downloads may remove a folder that is empty. */
const ATTEMPTS = 3;
const OWNER_ONLY = 0o700;
const WRITABLE_BY_OTHERS = 0o022;
/** Errors of file systems without file modes. */
const NO_MODES: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

/**
 * Creates the folder in which a download is assembled, and its parent `.incomplete`, for this user only. Another user
 * of a shared download folder could otherwise plant links there, and make the agent overwrite its own user's files.
 * Existing folders must belong to this user, as must links to them; write permission of others is removed. Throws
 * `denied` NOT_PRIVATE.
 *
 * @param stage such as `/downloads/.incomplete/INFOHASH-OWNER`
 */
export async function makeStage(stage: string): Promise<void> {
  const reserved = dirname(stage);
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(dirname(reserved));
      await makePrivate(reserved);
      await makePrivate(stage);
      return;
    } catch (error) {
      // Another download has just ended, and removed the empty folder.
      if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Checks again what {@link makeStage} found, as far as it still exists. */
export async function checkStage(stage: string): Promise<void> {
  for (const folder of [dirname(stage), stage]) await checkPrivate(folder);
}

async function makePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: OWNER_ONLY });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    await checkPrivate(folder);
  }
}

async function checkPrivate(folder: string): Promise<void> {
  for (const look of [lstat, stat]) {
    const found = await look(folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return;
    const uid = process.getuid?.();
    if (uid !== undefined && found.uid !== uid && found.uid !== (await ownUid(dirname(folder))))
      throw notPrivate(folder, `belongs to another user (${found.uid})`);
    // The target of this user's own link is checked next.
    if (found.isSymbolicLink()) continue;
    if (!found.isDirectory())
      throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' });
    // Where all files have one owner, their modes say nothing.
    if (found.uid === uid && (found.mode & WRITABLE_BY_OTHERS) !== 0) await closeToOthers(folder, found.mode);
  }
}

/**
 * Removes write permission of others: Kubernetes grants it to the group of a volume at each start. A file system that
 * ignores this has no modes.
 */
async function closeToOthers(folder: string, mode: number): Promise<void> {
  await chmod(folder, mode & 0o7777 & ~WRITABLE_BY_OTHERS).catch((error: unknown) => {
    if (!NO_MODES.has(errnoOf(error))) throw error;
  });
}

/** The owner of what this process creates: some file systems have one owner for all files. */
async function ownUid(folder: string): Promise<number | undefined> {
  try {
    const probe = join(folder, `.probe-${randomUUID()}`);
    await mkdir(probe);
    const { uid } = await lstat(probe);
    await rmdir(probe);
    return uid;
  } catch {
    return undefined;
  }
}

function notPrivate(folder: string, why: string): EnjambreError {
  const message = `${folder}, where downloads are assembled, ${why}, and could make the agent write to other files: remove it, or choose another folder`;
  return new EnjambreError('denied', 'NOT_PRIVATE', message, { metadata: { setting: 'outputDir' } });
}
