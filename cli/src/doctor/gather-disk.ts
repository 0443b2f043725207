import { constants } from 'node:fs';
import { access, mkdtemp, open, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import type { FolderFacts } from './judge-disk.js';

const SYNC_WRITES = 9;
/** No write is started after that. */
const SYNC_BUDGET_MS = 500;
const SYNC_BYTES = 4096;

export interface Folder {
  /** "data folder", "download folder" */
  readonly what: string;
  readonly path: string;
  /** Bytes that will still be written there. */
  readonly neededBytes: number;
}

/** Checks a folder and leaves it unchanged: trials run in a temporary folder inside it. */
export async function gatherFolder({ what, path, neededBytes }: Folder): Promise<FolderFacts> {
  const place = await nearestFolder(path);
  const space = await statfs(place);
  const facts = {
    what,
    path,
    neededBytes,
    exists: place === path,
    freeBytes: space.bavail * space.bsize,
    totalBytes: space.blocks * space.bsize,
    freeInodes: space.ffree,
    totalInodes: space.files,
    fileSystem: space.type,
  };
  try {
    return { ...facts, ...(await tryOut(place)) };
  } catch (error) {
    // For a full disk, the free space makes the better finding.
    return errnoOf(error) === 'ENOSPC' ? facts : { ...facts, refusal: systemErrorText(error) };
  }
}

/** The folder itself, or its nearest ancestor that exists. */
async function nearestFolder(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function tryOut(place: string): Promise<Pick<FolderFacts, 'syncMs' | 'foldsCase'>> {
  await access(place, constants.W_OK | constants.X_OK);
  const folder = await mkdtemp(join(place, '.enjambre-doctor-'));
  try {
    return { syncMs: await measureSync(join(folder, 'sync')), foldsCase: await foldsCase(folder) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Median time of some small synced writes, in milliseconds. */
async function measureSync(path: string): Promise<number> {
  const times: number[] = [];
  const file = await open(path, 'w');
  try {
    const startedAt = performance.now();
    do {
      const before = performance.now();
      await file.write(Buffer.alloc(SYNC_BYTES, times.length), 0, SYNC_BYTES, 0);
      await file.datasync();
      times.push(performance.now() - before);
    } while (times.length < SYNC_WRITES && performance.now() - startedAt < SYNC_BUDGET_MS);
  } finally {
    await file.close();
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

async function foldsCase(folder: string): Promise<boolean> {
  await writeFile(join(folder, 'case'), '');
  return access(join(folder, 'CASE')).then(
    () => true,
    () => false,
  );
}
