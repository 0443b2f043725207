import { flagName } from '@enjambre/common/config/options';
import { DiskWatchedFolder } from './adapters/disk/disk-watched-folder.js';
import { FolderSharing, type FolderSharingComponents } from './app/sharing/folder-sharing.js';
import type { AgentConfig } from './config.js';
import { ignoredNames } from './domain/ignore-patterns.js';

/** Flags that share what is left out of the shared folder by default. */
const LINK_HINTS = { link: flagName('sharedLinks'), outside: `${flagName('sharedLinks')} anywhere` };
/**
 * A file in the shared folder that has not grown for this long is finished: a copy over a network rarely pauses longer.
 */
const SHARED_QUIET_MS = 2000;
/** Programs change a file in several steps. */
const SHARED_NOTICE_MS = 100;
/** By then, a full disk or too many open files may have been fixed. */
const SHARED_RETRY_MS = 60_000;
/** Few entries are hashed concurrently; the others are being recorded, which mostly waits for disk syncs. */
const SHARED_AT_ONCE = 16;

/** Composes the part that shares the entries of the shared folder; undefined if none is configured. */
export function sharedFolder(
  { sharedDir, sharedIgnore, sharedPoll, sharedLinks: links, sharedUnsupported }: AgentConfig,
  parts: Omit<FolderSharingComponents, 'folder'>,
): FolderSharing | undefined {
  if (sharedDir === undefined) return undefined;
  const folder = new DiskWatchedFolder({
    path: sharedDir,
    ignores: ignoredNames(sharedIgnore),
    links,
    skipUnsupported: sharedUnsupported === 'skip',
    log: parts.log,
  });
  const times = { quietMs: SHARED_QUIET_MS, noticeMs: SHARED_NOTICE_MS, retryMs: SHARED_RETRY_MS };
  const init = { ...times, sweepMs: sharedPoll, atOnce: SHARED_AT_ONCE, hints: LINK_HINTS };
  return new FolderSharing({ ...parts, folder }, init);
}
