import { rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '@enjambre/core/error';
import type { Logger } from '@enjambre/common/log/logger';

/** Renames an unreadable file of ours within its folder, whole, and logs it. */
export async function setAside(file: string, error: unknown, log: Logger): Promise<void> {
  const aside = `${file}.bad-${new Date().toISOString().replaceAll(':', '-')}`;
  await rename(file, aside);
  log.error(
    { path: aside },
    `${basename(file)} cannot be read (${messageOf(error)}): it was set aside as ${aside}`,
  );
}
