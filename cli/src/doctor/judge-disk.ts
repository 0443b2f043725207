import { formatBytes } from '../render/text.js';
import { about, type Finding } from './finding.js';

export interface FolderFacts {
  /** "data folder", "download folder" */
  readonly what: string;
  readonly path: string;
  /** False if it is not there yet; the other facts are of the nearest folder above it then. */
  readonly exists: boolean;
  /** Why nothing can be written; absent if it can. */
  readonly refusal?: string | undefined;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 where the file system has no fixed number of them. */
  readonly totalInodes: number;
  /** As Linux numbers file systems, see statfs(2). */
  readonly fileSystem: number;
  /** How long small writes took to be safe, in milliseconds: the median; absent if not measured. */
  readonly syncMs?: number | undefined;
  /** True if `a` and `A` are one name there. */
  readonly foldsCase?: boolean | undefined;
  /** Bytes that downloads under way still need there. */
  readonly neededBytes: number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const FEW_INODES = 1000;
/** Twice a second a progress note of each download is made safe. */
const SLOW_SYNC_MS = 100;

interface FileSystem {
  readonly name: string;
  readonly warning?: string;
}
const FORGETS = 'all in it is gone after a restart of the machine: fine for a trial only';
const NETWORK =
  'locks and speed there depend on a server: keep the data folder on a local disk, and share no folder of it with other agents';
const FILE_SYSTEMS: ReadonlyMap<number, FileSystem> = new Map([
  [0x0102_1994, { name: 'tmpfs', warning: FORGETS }],
  [0x8584_58f6, { name: 'ramfs', warning: FORGETS }],
  [0x6969, { name: 'NFS', warning: NETWORK }],
  [0xff53_4d42, { name: 'CIFS', warning: NETWORK }],
  [0xfe53_4d42, { name: 'SMB', warning: NETWORK }],
  [0x0102_1997, { name: '9p', warning: NETWORK }],
  [
    0x794c_7630,
    {
      name: 'overlayfs',
      warning: 'a container forgets what is written into it: mount a volume there',
    },
  ],
  [0x4d44, { name: 'FAT', warning: 'files there have at most 4 GiB: choose another disk for large ones' }],
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
    const place = exists ? where : `${where} is not there, and the folder above it`;
    return [fail(`${place} cannot be written to (${refusal}): make it writable, or choose another`)];
  }
  const problems = [...room(folder, where), ...habits(folder, where)];
  if (problems.length > 0) return problems;
  const { name = 'a local disk' } = FILE_SYSTEMS.get(folder.fileSystem) ?? {};
  const speed =
    folder.syncMs === undefined ? '' : `, a small write is safe in ${folder.syncMs.toFixed(1)} ms`;
  return [ok(`${where}: ${formatBytes(freeBytes)} free on ${name}${speed}`)];
}

function room(folder: FolderFacts, where: string): Finding[] {
  const { warn, fail } = about('disk');
  const { freeBytes, totalBytes, neededBytes, freeInodes, totalInodes } = folder;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`;
  if (freeBytes < 16 * MIB) return [fail(`${where} is full (${free}): make room, then resume what failed`)];
  if (neededBytes > freeBytes)
    return [
      fail(
        `${where} is too small: downloads under way need ${formatBytes(neededBytes)} more, and ${free}: make room`,
      ),
    ];
  if (totalInodes > 0 && freeInodes < FEW_INODES)
    return [fail(`${where} can hold only ${String(freeInodes)} more files (inodes): delete some`)];
  if (freeBytes < Math.min(GIB, totalBytes / 20))
    return [warn(`${where} is nearly full (${free}): make room before it is`)];
  return [];
}

function habits({ fileSystem, syncMs, foldsCase, what }: FolderFacts, where: string): Finding[] {
  const { warn } = about('disk');
  const known = FILE_SYSTEMS.get(fileSystem);
  return [
    ...(known?.warning === undefined ? [] : [warn(`${where} is on ${known.name}: ${known.warning}`)]),
    ...(syncMs !== undefined && syncMs > SLOW_SYNC_MS
      ? [
          warn(
            `${where} is slow: a small write takes ${String(Math.round(syncMs))} ms to be safe; put it on a faster disk`,
          ),
        ]
      : []),
    ...(foldsCase === true && what === 'download folder'
      ? [warn(`${where} takes "a" and "A" for one name: folders that hold both cannot be downloaded there`)]
      : []),
  ];
}
