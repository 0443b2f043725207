import { stat } from 'node:fs/promises';
import { fileRootSteps, leavesOfPiece } from '@enjambre/core/file-root';
import type { Metainfo } from '@enjambre/core/metainfo';
import { buildMetainfoSteps, type BuildFile } from '@enjambre/core/metainfo-build';
import { forEachLimited } from '@enjambre/common/async/for-each-limited';
import { turns } from '@enjambre/common/async/turns';
import { errnoOf } from '@enjambre/common/system-error';
import pLimit from 'p-limit';
import type { ContentHasher, ScannedContent, ScanOptions } from '../../app/ports/sharing.js';
import { ContentScan } from './content-scan.js';
import type { DiskPool } from './disk-pool.js';
import { stampText } from './file-stamps.js';
import type { PrivateFolders } from './private-folders.js';
import { cancelled, changed, unreadable } from './scan-refusals.js';

type ScannedFile = ScannedContent['files'][number];

/** Approximate bytes per job of a thread: progress is smooth and an abort takes effect quickly. */
const RUN_BYTES = 8 << 20;
/** Files checked concurrently. */
const FILES_AT_ONCE = 16;

/** Reads content to share, and hashes it on the pool's threads. */
export class DiskContentHasher implements ContentHasher {
  /** @param privates folders that are never shared */
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
    const files: BuildFile[] = [];
    const atOnce = Math.max(FILES_AT_ONCE, 2 * this.pool.threads);
    await forEachLimited(content.files.entries(), atOnce, async ([index, file]) => {
      const hashed = await this.#hashFile(file, { pieceLength, signal, progress });
      files[index] = content.isFolder ? hashed : { ...hashed, path: [name] };
    });
    await this.confirm(content);
    return turns.run(buildMetainfoSteps({ name, pieceLength, isFolder: content.isFolder, files }));
  }

  async confirm({ files }: ScannedContent): Promise<void> {
    for (let from = 0; from < files.length; from += FILES_AT_ONCE)
      await Promise.all(files.slice(from, from + FILES_AT_ONCE).map(checkStamp));
  }

  async #hashFile(
    file: ScannedFile,
    {
      pieceLength,
      signal,
      progress,
    }: { pieceLength: number; signal: AbortSignal; progress: (bytes: number) => void },
  ): Promise<BuildFile> {
    const { path, length, diskPath, executable, stamp } = file;
    if (length === 0) return { path, length, executable };
    // Since the scan, another file may have taken its path, or its path may lead elsewhere.
    await checkStamp(file);
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
    await checkStamp(file);
    const layer = Buffer.concat(roots);
    const piecesRoot = await turns.run(fileRootSteps(layer, length, pieceLength));
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

/** Throws `precondition` CHANGED_WHILE_READ if the file is not the one scanned, or was written to since. */
async function checkStamp({ diskPath, stamp }: ScannedFile): Promise<void> {
  const stats = await stat(diskPath, { bigint: true }).catch((error: unknown) => {
    throw ['ENOENT', 'ENOTDIR'].includes(errnoOf(error)) ? changed(diskPath) : unreadable(error, diskPath);
  });
  if (stampText(stats) !== stampText(stamp)) throw changed(diskPath);
}
