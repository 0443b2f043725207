import { fstatSync, ftruncate, read } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import { errnoOf } from '@enjambre/common/system-error';
import { contentChanged } from '../../app/content.js';
import type {
  Deletion,
  DeletionRules,
  PieceStore,
  Publication,
  ReplacedContent,
  Survey,
} from '../../app/ports/piece-store.js';
import type { FileStamp } from '../../app/ports/sharing.js';
import { Selection } from '../../domain/selection.js';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';
import { diskError, isAbsence } from './disk-errors.js';
import type { DiskPool } from './disk-pool.js';
import type { FdCache } from './fd-cache.js';
import { FileRemoval } from './file-removal.js';
import { FileSurvey } from './file-survey.js';
import { makeExecutable } from './make-executable.js';
import { makeFolder } from './make-folder.js';
import { isThere, moveNew, removeEmpty } from './move-new.js';
import { PartFiles } from './part-files.js';
import { ReplacedEntry } from './replaced-entry.js';
import { SealedFiles } from './sealed-files.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';

const readFd = promisify(read);

const truncateFd = promisify(ftruncate);

export interface FileStoreComponents {
  readonly pool: DiskPool;
  readonly fds: FdCache;
  /** @default the system's */
  readonly files?: DiskFiles;
}

export interface FileStoreInit {
  readonly metainfo: Metainfo;
  /** The files that it has, or will have; others at their paths are not its own. @default all */
  readonly selection?: Selection;
  /** Location of the content. */
  readonly path: string;
  /** For a download in progress: its target when it is complete. */
  readonly target?: string;
  /** For a download, the folder in which it is or was assembled. */
  readonly stage?: string;
}

/** Files checked concurrently: more than the system has threads for it. */
const LOOKS_AT_ONCE = 64;
/** The unit of stat's block count, on any file system. */
const BYTES_A_BLOCK = 512;

/** The files of one transfer on a file system. */
export class FileStore implements PieceStore {
  #path: string;
  readonly #layout: PieceLayout;
  readonly #blockLength: number;
  readonly #selection: Selection;
  readonly #parts: PartFiles;
  readonly #survey: FileSurvey;
  readonly #sealed: SealedFiles;

  constructor(
    private readonly components: FileStoreComponents,
    private readonly init: FileStoreInit,
  ) {
    this.#path = init.path;
    this.#layout = PieceLayout.of(init.metainfo);
    this.#blockLength = Math.min(BLOCK_SIZE, init.metainfo.pieceLength);
    this.#selection = init.selection ?? new Selection(init.metainfo);
    const lengths = init.metainfo.files.map(({ length }) => length);
    const pathOf = (file: number): string => this.#pathOf(file);
    const isStaged = init.target !== undefined && init.path !== init.target;
    const stage = isStaged ? dirname(init.path) : undefined;
    const selection = this.#selection;
    const foldersOf = (file: number): string[] => this.#foldersOf(file);
    this.#parts = new PartFiles(components, { lengths, selection, pathOf, foldersOf, stage });
    this.#survey = new FileSurvey({ selection, pathOf });
    const { metainfo } = init;
    const hashPiece = (piece: number): Promise<Buffer | undefined> => this.hashPiece(piece);
    this.#sealed = new SealedFiles({ metainfo, layout: this.#layout, selection, pathOf, hashPiece });
  }

  get path(): string {
    return this.#path;
  }

  async read({ piece, begin }: { piece: number; begin: number }, into: Buffer): Promise<void> {
    const { file, offset } = this.#layout.pieceFile(piece);
    const path = this.#pathOf(file);
    try {
      if (this.#sealed.vouches(piece, await this.#read(path, offset + begin, into))) return;
      // The open descriptor may belong to a file that is no longer at the path.
      await this.components.fds.forget(path);
      await this.#sealed.recheck(piece);
      if (!this.#sealed.vouches(piece, await this.#read(path, offset + begin, into)))
        throw contentChanged(path);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /** Returns the stamp of the file after the read, so that bytes changed before the read are always noticed. */
  #read(path: string, position: number, into: Buffer): Promise<FileStamp> {
    return this.components.fds.with(path, 'read', async (fd) => {
      for (let done = 0; done < into.length;) {
        const { bytesRead } = await readFd(fd, into, done, into.length - done, position + done);
        if (bytesRead === 0) throw Object.assign(new Error('short file'), { code: 'SHORT_FILE' });
        done += bytesRead;
      }
      return fstatSync(fd, { bigint: true });
    });
  }

  async write(piece: number, block: number, data: Buffer): Promise<Buffer> {
    const { file, offset } = this.#layout.pieceFile(piece);
    const position = offset + block * this.#blockLength;
    const leaves = this.#layout.blockLeaves(piece);
    const fileLength = this.init.metainfo.files[file]?.length ?? 0;
    return this.#parts.write(file, (fd, identity) => {
      const job = { fd, ...(identity && { file: identity }), fileLength, position, leaves };
      return this.components.pool.write(job, data);
    });
  }

  async hold(have: Bitfield): Promise<void> {
    const files = new Set<number>();
    for (const piece of have.indexes()) files.add(this.#layout.pieceFile(piece).file);
    await this.#parts.hold(files);
  }

  async hashPiece(piece: number): Promise<Buffer | undefined> {
    const { file, offset } = this.#layout.pieceFile(piece);
    const path = this.#pathOf(file);
    const length = this.#layout.pieceSize(piece);
    const { pieceLength } = this.init.metainfo;
    try {
      return await this.components.pool.hash({
        path,
        position: offset,
        length,
        pieceLength,
        leaves: this.#layout.pieceLeaves(piece),
      });
    } catch (error) {
      if (isAbsence(error) || errnoOf(error) === 'SHORT_FILE') return undefined;
      throw diskError(error, path);
    }
  }

  flush(): Promise<void> {
    return this.#parts.flush();
  }

  async publish(replaced?: readonly ReplacedContent[]): Promise<Publication> {
    const { target } = this.init;
    if (target === undefined) return { isTaken: false, warning: undefined };
    try {
      return { isTaken: false, warning: await this.#publishAt(target, replaced) };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EEXIST') return { isTaken: true, error: targetTaken(target) };
      const known = diskError(error, target);
      if (errno === 'EISDIR') return { isTaken: true, error: known };
      throw known;
    }
  }

  async #publishAt(
    target: string,
    replaced: readonly ReplacedContent[] | undefined,
  ): Promise<string | undefined> {
    if (target === this.#path && !this.#parts.holdsAny && (await this.#sealed.look())) return undefined;
    await this.#makeEmptyFiles();
    const { files } = this.init.metainfo;
    const executable = [...this.#selection.files()].filter((file) => files[file]?.executable);
    const paths = executable.map((file) => this.#pathOf(file));
    const warning = await makeExecutable(paths, this.#path, this.#files);
    await this.#parts.flush();
    await this.#parts.settle();
    this.#parts.close();
    if (target === this.#path) return warning;
    await this.components.fds.forget(this.#path);
    const incomplete = dirname(this.#path);
    // A file that is of no transfer may be anything: it is kept.
    const kept = replaced && (await this.#aside?.moveOver(this.#path, target, replaced.length === 0));
    if (!replaced) await moveNew(this.#path, target, this.#files);
    this.#path = target;
    await syncFolder(dirname(target), this.#files);
    if (replaced) await this.components.fds.forget(target);
    await removeEmpty(incomplete);
    return [warning, kept].filter((text) => text).join('; ');
  }

  async discardReplaced(replaced: readonly ReplacedContent[]): Promise<string> {
    const { target, stage } = this.init;
    if (target === undefined || stage === undefined) return '';
    try {
      const kept = await this.#aside?.discard(target, (path) => this.#deleteAt(path, replaced));
      await removeEmpty(stage);
      return kept ?? '';
    } catch (error) {
      throw diskError(error, target);
    }
  }

  async putBackReplaced(): Promise<void> {
    const { target } = this.init;
    if (target !== undefined) await this.#aside?.putBack(target);
  }

  async releaseReplaced(): Promise<string> {
    const { target, stage } = this.init;
    if (target === undefined || stage === undefined) return '';
    const path = (await this.#aside?.release(target)) ?? '';
    if (path !== '') await removeEmpty(stage);
    return path;
  }

  get #aside(): ReplacedEntry | undefined {
    const { stage } = this.init;
    return stage === undefined ? undefined : new ReplacedEntry(stage, this.#files);
  }

  async #deleteAt(path: string, replaced: readonly ReplacedContent[]): Promise<void> {
    for (const { metainfo, rules } of replaced)
      await new FileStore(this.components, { metainfo, path }).delete(rules);
  }

  async allocated(): Promise<number> {
    let bytes = 0;
    const files = [...this.#selection.files()];
    for (let from = 0; from < files.length; from += LOOKS_AT_ONCE) {
      const some = files.slice(from, from + LOOKS_AT_ONCE).map((file) => this.#allocated(file));
      for (const its of await Promise.all(some)) bytes += its;
    }
    return bytes;
  }

  async exists(): Promise<boolean> {
    try {
      return await isThere(this.#path);
    } catch (error) {
      throw diskError(error, this.#path);
    }
  }

  survey(files?: Iterable<number>): Promise<Survey> {
    return this.#survey.run(files);
  }

  async fingerprint(): Promise<string | undefined> {
    return (await this.#sealed.look())?.fingerprint;
  }

  seal(since?: string): Promise<string | undefined> {
    return this.#sealed.seal(since);
  }

  patrol(): Promise<string | undefined> {
    return this.#sealed.patrol();
  }

  async identity(): Promise<string> {
    try {
      const { dev, ino, birthtimeNs } = await lstat(this.#path, { bigint: true });
      return `${dev}:${ino}:${birthtimeNs}`; // An inode number is used again once its file is removed.
    } catch {
      return '';
    }
  }

  async missingFiles(): Promise<number[]> {
    const missing = await this.#sealed.missing();
    this.#parts.expectNone(missing);
    return missing;
  }

  async delete(rules: DeletionRules): Promise<Deletion> {
    await this.components.fds.forget(this.#path);
    const { isFolder, files } = this.init.metainfo;
    const selection = this.#selection;
    try {
      const compare = rules.anyContent
        ? () => Promise.resolve(undefined)
        : await this.#sealed.judge(rules.fingerprint);
      const deletion = await new FileRemoval({
        root: this.#path,
        isFolder,
        files,
        selection,
        rules,
        compare,
      }).run();
      const { target } = this.init;
      if (target !== undefined && this.#path !== target) await removeEmpty(dirname(this.#path));
      return deletion;
    } catch (error) {
      throw diskError(error, this.#path);
    }
  }

  async close(): Promise<void> {
    this.#parts.close();
    this.#sealed.rest();
    await this.components.fds.forget(this.#path);
  }

  #pathOf(file: number): string {
    const { isFolder, files } = this.init.metainfo;
    return isFolder ? join(this.#path, ...(files[file]?.path ?? [])) : this.#path;
  }

  /** The folders in the content that lead to a file. */
  #foldersOf(file: number): string[] {
    const { isFolder, files } = this.init.metainfo;
    const names = isFolder ? (files[file]?.path ?? []).slice(0, -1) : [];
    return names.map((_, depth) => join(this.#path, ...names.slice(0, depth + 1)));
  }

  get #files(): DiskFiles {
    return this.components.files ?? SYSTEM_FILES;
  }

  async #allocated(file: number): Promise<number> {
    const look = await this.#files.stat(this.#pathOf(file)).catch(() => undefined);
    return look ? look.blocks * BYTES_A_BLOCK : 0;
  }

  async #makeEmptyFiles(): Promise<void> {
    await makeFolder(dirname(this.#path));
    for (const index of this.#selection.files()) {
      if (this.init.metainfo.files[index]?.length === 0)
        await this.components.fds.with(this.#pathOf(index), 'create', (fd) => truncateFd(fd, 0));
    }
  }
}

/** The download is complete, and something else appeared at its target meanwhile. */
function targetTaken(path: string): EnjambreError {
  const message = `${path} already exists with other content: move it away and resume, or download into another folder`;
  return new EnjambreError('already-exists', 'PATH_EXISTS', message);
}
