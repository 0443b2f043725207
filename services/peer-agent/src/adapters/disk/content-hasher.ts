import { access, lstat, opendir, stat } from 'node:fs/promises';
import { constants, type BigIntStats } from 'node:fs';
import { basename, join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { fileRoot, leavesOfPiece } from '@enjambre/core/file-root';
import type { Metainfo } from '@enjambre/core/metainfo';
import { buildMetainfo, type BuildFile } from '@enjambre/core/metainfo-build';
import { checkName } from '@enjambre/core/names';
import { errnoOf } from '@enjambre/common/system-error';
import pLimit from 'p-limit';
import type { ContentHasher, ScannedContent, ScanOptions } from '../../app/ports.js';
import { diskError } from './disk-errors.js';
import type { DiskPool } from './disk-pool.js';

type ScannedFile = ScannedContent['files'][number];

/** One job of a thread reads about so much: progress is smooth and an abort quick. */
const RUN_BYTES = 8 << 20;
const OWNER_MAY_EXECUTE = 0o100n;
/** Files looked at in parallel. */
const FILES_AT_ONCE = 16;

/** Reads what is to be shared, hashing on the pool's threads. */
export class DiskContentHasher implements ContentHasher {
  constructor(private readonly pool: DiskPool) {}

  async scan(path: string, { ignores, followLink = true }: ScanOptions = {}): Promise<ScannedContent> {
    const stats = await statContent(path, followLink);
    if (stats.isSymbolicLink()) throw isLink(path);
    checkName(basename(path));
    if (stats.isFile()) return scanFile(path, stats);
    if (!stats.isDirectory()) {
      throw new EnjambreError(
        'invalid',
        'NOT_A_FILE',
        `${path} is neither a file nor a folder: share one of these`,
      );
    }
    const files: ScannedFile[] = [];
    const leftOut = { links: 0, emptyFolders: 0, others: 0 };
    await walk(path, [], { files, leftOut, ignores });
    const totalLength = files.reduce((sum, { length }) => sum + length, 0);
    if (totalLength === 0) throw emptyFolder(path, leftOut);
    return { path, isFolder: true, totalLength, files, leftOut };
  }

  async hash(
    content: ScannedContent,
    { name, pieceLength, signal, progress }: Parameters<ContentHasher['hash']>[1],
  ): Promise<Metainfo> {
    const limit = pLimit(Math.max(FILES_AT_ONCE, 2 * this.pool.threads));
    const files = await Promise.all(
      content.files.map((file) => limit(() => this.#hashFile(file, { pieceLength, signal, progress }))),
    );
    const named = content.isFolder ? files : files.map((file) => ({ ...file, path: [name] }));
    return buildMetainfo({ name, pieceLength, isFolder: content.isFolder, files: named });
  }

  async #hashFile(
    { path, length, diskPath, executable }: ScannedFile,
    {
      pieceLength,
      signal,
      progress,
    }: { pieceLength: number; signal: AbortSignal; progress: (bytes: number) => void },
  ): Promise<BuildFile> {
    if (length === 0) return { path, length, executable };
    const before = await statContent(diskPath);
    const leaves = leavesOfPiece(length, pieceLength);
    const runLength = Math.max(pieceLength, RUN_BYTES);
    const limit = pLimit(2 * this.pool.threads);
    const runs = Array.from({ length: Math.ceil(length / runLength) }, (_, run) => run * runLength);
    const roots = await Promise.all(
      runs.map((position) =>
        limit(async () => {
          if (signal.aborted) throw new EnjambreError('cancelled', 'CANCELLED', 'sharing was cancelled');
          const bytes = Math.min(runLength, length - position);
          const hashes = await this.#hashRun({
            path: diskPath,
            position,
            length: bytes,
            pieceLength,
            leaves,
          });
          progress(bytes);
          return hashes;
        }),
      ),
    );
    if (!sameFile(before, await statContent(diskPath)) || before.size !== BigInt(length))
      throw changed(diskPath);
    const layer = Buffer.concat(roots);
    const piecesRoot = fileRoot(layer, length, pieceLength);
    return { path, length, piecesRoot, executable, ...(length > pieceLength && { layer }) };
  }

  async #hashRun(run: Parameters<DiskPool['hash']>[0]): Promise<Buffer> {
    try {
      return await this.pool.hash(run);
    } catch (error) {
      throw errnoOf(error) === 'SHORT_FILE' ? changed(run.path) : unreadable(error, run.path);
    }
  }
}

interface Found {
  readonly files: ScannedFile[];
  readonly leftOut: { links: number; emptyFolders: number; others: number };
  readonly ignores: ScanOptions['ignores'];
}

async function walk(folder: string, path: readonly string[], found: Found): Promise<void> {
  const { files, leftOut, ignores } = found;
  let isEmpty = true;
  let entries: Awaited<ReturnType<typeof opendir>>;
  try {
    entries = await opendir(folder);
  } catch (error) {
    throw unreadable(error, folder);
  }
  for await (const entry of entries) {
    isEmpty = false;
    if (ignores?.(entry.name)) continue;
    const diskPath = join(folder, entry.name);
    const here = [...path, entry.name];
    if (entry.isDirectory()) {
      checkName(entry.name);
      await walk(diskPath, here, found);
    } else if (entry.isFile()) {
      checkName(entry.name);
      files.push(scanned(here, diskPath, await statContent(diskPath)));
    } else if (entry.isSymbolicLink()) leftOut.links += 1;
    else leftOut.others += 1;
  }
  if (isEmpty) leftOut.emptyFolders += 1;
}

function scanned(path: readonly string[], diskPath: string, { size, mode }: BigIntStats): ScannedFile {
  return { path, length: Number(size), diskPath, executable: (mode & OWNER_MAY_EXECUTE) !== 0n };
}

function isLink(path: string): EnjambreError {
  const message = `${path} is a symbolic link, and what it leads to is not shared: put the content itself there`;
  return new EnjambreError('invalid', 'IS_LINK', message);
}

function emptyFolder(path: string, { links, others }: Found['leftOut']): EnjambreError {
  const but = links + others > 0 ? ' but links and special files, which are not shared' : '';
  const message = `${path} holds no data${but}: put at least one non-empty file in it`;
  return new EnjambreError('invalid', 'EMPTY_FOLDER', message);
}

async function scanFile(path: string, stats: BigIntStats): Promise<ScannedContent> {
  const file = scanned([basename(path)], path, stats);
  if (file.length === 0) {
    throw new EnjambreError('invalid', 'EMPTY_FILE', `${path} is empty: there is nothing to share`);
  }
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw unreadable(error, path);
  }
  return {
    path,
    isFolder: false,
    totalLength: file.length,
    files: [file],
    leftOut: { links: 0, emptyFolders: 0, others: 0 },
  };
}

async function statContent(path: string, followLink = true): Promise<BigIntStats> {
  try {
    return await (followLink ? stat : lstat)(path, { bigint: true });
  } catch (error) {
    throw unreadable(error, path);
  }
}

function unreadable(error: unknown, path: string): EnjambreError {
  const known = diskError(error, path, 'other');
  if (known.reason === 'FILE_MISSING') {
    return new EnjambreError('not-found', 'PATH_NOT_FOUND', `${path} does not exist: check the path`, {
      cause: error,
    });
  }
  if (known.reason === 'PATH_DENIED') {
    return new EnjambreError(
      'denied',
      'PATH_NOT_READABLE',
      `${path} cannot be read by the agent: mend its permissions`,
      {
        cause: error,
      },
    );
  }
  return known;
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;
}

function changed(path: string): EnjambreError {
  return new EnjambreError(
    'precondition',
    'CHANGED_WHILE_READ',
    `${path} changed while it was read: share it when it is finished`,
  );
}
