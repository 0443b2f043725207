import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from '../system-error.js';

/** Opens folders; tests pass their own. */
interface FolderFiles {
  open(path: string, flags: 'r'): Promise<Pick<FileHandle, 'sync' | 'close'>>;
}

/**
 * Errors of file systems that cannot sync a folder, such as some FUSE and CIFS: they decide themselves when names
 * become durable.
 */
const CANNOT: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']);

/** Makes names in a folder durable where possible: after a rename, the new name survives a power loss. */
export async function syncFolder(path: string, files: FolderFiles = { open }): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!CANNOT.has(errnoOf(error))) throw error;
  } finally {
    await folder.close();
  }
}
