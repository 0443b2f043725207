import { errnoOf } from '@enjambre/common/system-error';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';

/** What file systems say that cannot sync a folder, such as some of FUSE and CIFS: names are durable there when they want. */
const CANNOT: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']);

/** Makes names in a folder durable, where that can be: after a rename, the new name survives a loss of power. */
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
