import { errnoOf } from '@enjambre/common/system-error';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';

/**
 * Errors of file systems that cannot sync a folder, such as some FUSE and CIFS: they decide themselves when names
 * become durable.
 */
const CANNOT: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']);

/** Makes names in a folder durable where possible: after a rename, the new name survives a power loss. */
export async function syncFolder(path: string, files: Pick<DiskFiles, 'open'> = SYSTEM_FILES): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!CANNOT.has(errnoOf(error))) throw error;
  } finally {
    await folder.close();
  }
}
