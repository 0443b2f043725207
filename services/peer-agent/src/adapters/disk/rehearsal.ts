import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { quote } from '@enjambre/core/quote';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { RESERVED_NAME } from '../../app/ports/store-factory.js';
import type { DiskFiles } from './disk-files.js';
import { diskError } from './disk-errors.js';
import { moveNew } from './move-new.js';
import type { Probes } from './probes.js';

/** Requirements of a download on its file system. */
export interface Rehearsal {
  /** Target folder of the content. */
  readonly folder: string;
  /** True if the content is a folder, false for a single file. */
  readonly isFolder: boolean;
  /** One name of each kind, of files and folders. */
  readonly names: readonly string[];
  /** Names in the same folder that a file system might treat as one. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Length of its largest file in bytes. */
  readonly largest: number;
  /** The longest path required. */
  readonly longestPath: string;
}

/** Maximum path length on Linux in bytes, without the terminator. */
const MAX_PATH_BYTES = 4095;
/** Smaller files are accepted everywhere; trying them costs time on file systems without sparse files. */
const LARGE_FILE = 2 ** 31;
/** FAT limits the file size. Trying it there would write the whole file. */
const FAT = { type: 0x4d44, largest: 2 ** 32 - 1 };

/**
 * Tries in the folder itself what could otherwise fail only after the whole download: names, sizes, and the move from
 * where downloads are assembled. Leaves nothing behind. Throws an error that explains the refusal and the next step.
 */
export async function rehearse(wanted: Rehearsal, files: DiskFiles, probes: Probes): Promise<void> {
  const { folder, longestPath } = wanted;
  if (Buffer.byteLength(longestPath) > MAX_PATH_BYTES) throw pathTooLong(longestPath);
  try {
    await probes.with(folder, async ({ stage, arrival }) => {
      for (const name of wanted.names) await tryName(stage, name, wanted, files);
      for (const pair of wanted.pairs) await tryPair(stage, pair, wanted, files);
      await tryMove(stage, arrival, wanted, files);
    });
  } catch (error) {
    throw diskError(error, folder);
  }
}

async function tryName(stage: string, name: string, { folder }: Rehearsal, files: DiskFiles): Promise<void> {
  const path = join(stage, name);
  try {
    await files.mkdir(path);
    await files.rm(path, { recursive: true });
  } catch (error) {
    // Other errors have nothing to do with the name.
    if (!['EINVAL', 'EILSEQ', 'ENOENT', 'ENAMETOOLONG', 'EEXIST', 'EIO'].includes(errnoOf(error)))
      throw error;
    throw nameRefused(folder, name, error);
  }
}

async function tryPair(
  stage: string,
  [one, other]: readonly [string, string],
  { folder }: Rehearsal,
  files: DiskFiles,
): Promise<void> {
  await files.mkdir(join(stage, one));
  const found = await files.lstat(join(stage, other)).catch(() => undefined);
  await files.rm(join(stage, one), { recursive: true });
  if (!found) return;
  const message = `the file system of ${folder} treats ${quote(one)} and ${quote(other)} as one name: choose a folder on another`;
  throw new EnjambreError('precondition', 'NAMES_COLLIDE', message, { metadata: { setting: 'outputDir' } });
}

async function tryMove(
  stage: string,
  arrival: string,
  { folder, isFolder, largest }: Rehearsal,
  files: DiskFiles,
): Promise<void> {
  const from = join(stage, 'content');
  if (isFolder) await files.mkdir(from);
  const file = await files.open(isFolder ? join(from, 'file') : from, 'wx');
  try {
    if (largest >= LARGE_FILE) {
      const { type } = await files.statfs(folder);
      if (type !== FAT.type) await file.truncate(largest);
      else if (largest > FAT.largest) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    }
  } finally {
    await file.close();
  }
  await moveNew(from, arrival, files).catch((error: unknown) => {
    throw errnoOf(error) === 'EXDEV' ? assembledElsewhere(folder) : error;
  });
}

function pathTooLong(path: string): EnjambreError {
  const message = `the path would be too long (${Buffer.byteLength(path)} bytes, at most ${MAX_PATH_BYTES} are possible): ${path.slice(0, 200)}…: choose a shorter folder`;
  return new EnjambreError('invalid', 'NAME_TOO_LONG', message, { metadata: { setting: 'outputDir' } });
}

function nameRefused(folder: string, name: string, cause: unknown): EnjambreError {
  const message = `the file system of ${folder} does not accept names such as ${quote(name)} (${systemErrorText(cause)}): choose a folder on another`;
  const metadata = { setting: 'outputDir' };
  return new EnjambreError('precondition', 'NAME_REFUSED', message, { cause, metadata });
}

function assembledElsewhere(folder: string): EnjambreError {
  const message = `${folder}/${RESERVED_NAME}, where downloads are assembled, is not on the same file system as ${folder}: remove that link or mount, or choose another folder`;
  return new EnjambreError('precondition', 'OTHER_FILE_SYSTEM', message, {
    metadata: { setting: 'outputDir' },
  });
}
