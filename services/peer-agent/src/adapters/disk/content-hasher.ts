import { stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { fileRoot, leavesOfPiece } from '@enjambre/core/file-root';
import type { Metainfo } from '@enjambre/core/metainfo';
import { buildMetainfo, type BuildFile } from '@enjambre/core/metainfo-build';
import { errnoOf } from '@enjambre/common/system-error';
import pLimit from 'p-limit';
import type { ContentHasher, FileStamp, ScannedContent, ScanOptions } from '../../app/ports.js';
import { ContentScan } from './content-scan.js';
import type { DiskPool } from './disk-pool.js';
import type { PrivateFolders } from './private-folders.js';
import { cancelled, changed, unreadable } from './scan-refusals.js';

type ScannedFile = ScannedContent['files'][number];

/** One job of a thread reads about so much: progress is smooth and an abort quick. */
const RUN_BYTES = 8 << 20;
/** Files looked at in parallel. */
const FILES_AT_ONCE = 16;

/** Reads what is to be shared, hashing on the pool's threads. */
export class DiskContentHasher implements ContentHasher {
  /** @param privates what is never shared */
  constructor(
    private readonly pool: DiskPool,
    private readonly privates: PrivateFolders,
  ) {}

  async scan(path: string, options: ScanOptions = {}): Promise<ScannedContent> {
    return new ContentScan(path, await this.privates.look(), options).run();
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
    { path, length, diskPath, executable, stamp }: ScannedFile,
    {
      pieceLength,
      signal,
      progress,
    }: { pieceLength: number; signal: AbortSignal; progress: (bytes: number) => void },
  ): Promise<BuildFile> {
    if (length === 0) return { path, length, executable };
    // Another file may have come to its path, or its path may lead elsewhere, since it was found.
    if (!sameFile(stamp, await statContent(diskPath))) throw changed(diskPath);
    const leaves = leavesOfPiece(length, pieceLength);
    const runLength = Math.max(pieceLength, RUN_BYTES);
    const limit = pLimit(2 * this.pool.threads);
    const runs = Array.from({ length: Math.ceil(length / runLength) }, (_, run) => run * runLength);
    const roots = await Promise.all(
      runs.map((position) =>
        limit(async () => {
          if (signal.aborted) throw cancelled();
          const bytes = Math.min(runLength, length - position);
          const hashes = await this.#hashRun({
            path: diskPath,
            file: { dev: stamp.dev, ino: stamp.ino },
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
    if (!sameFile(stamp, await statContent(diskPath))) throw changed(diskPath);
    const layer = Buffer.concat(roots);
    const piecesRoot = fileRoot(layer, length, pieceLength);
    return { path, length, piecesRoot, executable, ...(length > pieceLength && { layer }) };
  }

  async #hashRun(run: Parameters<DiskPool['hash']>[0]): Promise<Buffer> {
    try {
      return await this.pool.hash(run);
    } catch (error) {
      throw ['SHORT_FILE', 'OTHER_FILE'].includes(errnoOf(error))
        ? changed(run.path)
        : unreadable(error, run.path);
    }
  }
}

async function statContent(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    throw unreadable(error, path);
  }
}

function sameFile(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.dev === b.dev;
}
