import { formatDuration } from '@enjambre/core/format-duration';
import { formatBytes } from '../render/text.js';
import { about, type Finding } from './finding.js';

export interface FolderFacts {
  /** "data folder", "download folder" */
  readonly what: string;
  readonly path: string;
  /** False if it does not exist yet; the other facts are then those of its nearest existing ancestor. */
  readonly exists: boolean;
  /** Why it is not writable; absent if it is. */
  readonly refusal?: string | undefined;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 if the file system has no fixed number of inodes. */
  readonly totalInodes: number;
  /** Magic number of the file system, see statfs(2). */
  readonly fileSystem: number;
  /** Median time of small synced writes, in milliseconds; absent if not measured. */
  readonly syncMs?: number | undefined;
  /** True if names are case-insensitive there. */
  readonly foldsCase?: boolean | undefined;
  /** Bytes that unfinished downloads still need there. */
  readonly neededBytes: number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const FEW_INODES = 1000;
/** The progress of each download is synced twice a second. */
const SLOW_SYNC_MS = 100;

interface FileSystem {
  readonly name: string;
  readonly warning?: string;
}
const VOLATILE = 'its contents are lost when the machine restarts; use it for trials only';
const NETWORK =
  'its locks and speed depend on a server; keep the data folder on a local disk, and do not let several agents use one folder';
const FILE_SYSTEMS: ReadonlyMap<number, FileSystem> = new Map([
  [0x0102_1994, { name: 'tmpfs', warning: VOLATILE }],
  [0x8584_58f6, { name: 'ramfs', warning: VOLATILE }],
  [0x6969, { name: 'NFS', warning: NETWORK }],
  [0xff53_4d42, { name: 'CIFS', warning: NETWORK }],
  [0xfe53_4d42, { name: 'SMB', warning: NETWORK }],
  [0x0102_1997, { name: '9p', warning: NETWORK }],
  [
    0x794c_7630,
    {
      name: 'overlayfs',
      warning: 'its contents are lost with the container; mount a volume there',
    },
  ],
  [0x4d44, { name: 'FAT', warning: 'files are limited to 4 GiB; use another disk for larger ones' }],
  [0xef53, { name: 'ext4' }],
  [0x5846_5342, { name: 'XFS' }],
  [0x9123_683e, { name: 'Btrfs' }],
  [0x2fc1_2fc1, { name: 'ZFS' }],
  [0x6573_5546, { name: 'FUSE' }],
]);

/** Findings about one folder of an agent. */
export function judgeFolder(folder: FolderFacts): Finding[] {
  const { ok, fail } = about('disk');
  const { what, path, exists, refusal, freeBytes } = folder;
  const where = `the ${what} ${path}`;
  if (refusal !== undefined) {
    const place = exists ? where : `${where} does not exist, and the folder above it`;
    return [fail(`${place} is not writable (${refusal}): make it writable, or choose another folder`)];
  }
  const problems = [...room(folder, where), ...traits(folder, where)];
  if (problems.length > 0) return problems;
  const { name = 'a local disk' } = FILE_SYSTEMS.get(folder.fileSystem) ?? {};
  const speed =
    folder.syncMs === undefined
      ? ''
      : `, a small synced write takes ${formatDuration(Math.max(1, folder.syncMs))}`;
  return [ok(`${where}: ${formatBytes(freeBytes)} free on ${name}${speed}`)];
}

function room(folder: FolderFacts, where: string): Finding[] {
  const { warn, fail } = about('disk');
  const { freeBytes, totalBytes, neededBytes, freeInodes, totalInodes } = folder;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`;
  if (freeBytes < 16 * MIB)
    return [fail(`${where} is full (${free}): free some space, then resume failed transfers`)];
  if (neededBytes > freeBytes)
    return [
      fail(
        `${where} is too small: unfinished downloads need ${formatBytes(neededBytes)} more, and ${free}: free some space`,
      ),
    ];
  if (totalInodes > 0 && freeInodes < FEW_INODES)
    return [fail(`${where} has inodes for only ${String(freeInodes)} more files: delete some`)];
  if (freeBytes < Math.min(GIB, totalBytes / 20))
    return [warn(`${where} is nearly full (${free}): free some space`)];
  return [];
}

function traits({ fileSystem, syncMs, foldsCase, what }: FolderFacts, where: string): Finding[] {
  const { warn } = about('disk');
  const known = FILE_SYSTEMS.get(fileSystem);
  return [
    ...(known?.warning === undefined ? [] : [warn(`${where} is on ${known.name}: ${known.warning}`)]),
    ...(syncMs !== undefined && syncMs > SLOW_SYNC_MS
      ? [
          warn(
            `${where} is slow: a small synced write takes ${formatDuration(syncMs)}; move it to a faster disk`,
          ),
        ]
      : []),
    ...(foldsCase === true && what === 'download folder'
      ? [
          warn(
            `${where} is case-insensitive: folders with names that differ only in case cannot be downloaded there`,
          ),
        ]
      : []),
  ];
}
