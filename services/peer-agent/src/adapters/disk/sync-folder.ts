import { open } from 'node:fs/promises';

/** Makes names in a folder durable: after a rename, the new name survives a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
