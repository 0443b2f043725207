import { fdatasync, fstat, ftruncate, type BigIntStats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EnjambreError } from '@enjambre/core/error';
import { errnoOf } from '@enjambre/common/system-error';
import type { Selection } from '../../domain/selection.js';
import { diskError } from './disk-errors.js';
import type { FdCache } from './fd-cache.js';
import type { FileIdentity } from './hash-jobs.js';
import { checkStage, makeStage } from './stage-folder.js';

const statFd = promisify(fstat);
const truncateFd = promisify(ftruncate);
const syncFd = promisify(fdatasync);

export interface PartFilesComponents {
  readonly fds: FdCache;
}

export interface PartFilesInit {
  /** Full length of each file in bytes. */
  readonly lengths: readonly number[];
  /** The files that it has when it is complete. */
  readonly selection: Pick<Selection, 'has'>;
  readonly pathOf: (file: number) => string;
  /** The folders in the content that lead to a file, outermost first. @default none */
  readonly foldersOf?: (file: number) => readonly string[];
  /** The folder of this user alone in which the files are; see {@link makeStage}. @default none: they are in place */
  readonly stage?: string | undefined;
}

/** Files checked concurrently: more than the system has threads for it. */
const AT_ONCE = 64;
/** Files synced concurrently: the disk writes one record for all, and the system has this many threads for it. */
const SYNCS_AT_ONCE = 4;
/** Files checked per {@link PartFiles.flush} besides those written to. */
const PATROL_FILES = 64;

/**
 * The files that a download is written to. Each is created with its first block, or {@link hold} declares it present;
 * from then on its path must lead to the very same file, of full length, until {@link close}. So a file that is
 * deleted, moved or replaced is never silently recreated, with holes where verified pieces were. Throws `precondition`
 * FILE_MISSING or FILE_CHANGED, and other errors as {@link diskError} converts them.
 */
export class PartFiles {
  readonly #held = new Map<number, FileIdentity>();
  readonly #ready = new Map<number, Promise<void>>();
  /** Files that must not be there before they are created. */
  readonly #absent = new Set<number>();
  /** Files whose folders are known to be folders. */
  readonly #reached = new Set<number>();
  /** Files written to since their last sync. */
  readonly #dirty = new Set<number>();
  /** Set when a sync has failed: the system may have dropped unwritten data, and reports that only once. */
  #broken: EnjambreError | undefined;
  #patrolled = 0;
  /** Resolves once the stage exists and is private. */
  #stage: Promise<void> | undefined;

  constructor(
    private readonly components: PartFilesComponents,
    private readonly init: PartFilesInit,
  ) {}

  /** True if there are files that must stay the same. */
  get holdsAny(): boolean {
    return this.#held.size > 0;
  }

  /** Runs `use` with a descriptor of a file at its full length: sparse, so at no cost. */
  write<T>(file: number, use: (fd: number, identity: FileIdentity | undefined) => Promise<T>): Promise<T> {
    const isHeld = this.#held.has(file);
    return this.#guard(file, async () => {
      if (!isHeld) await this.#enterStage(file);
      await this.#reach(file);
      return this.components.fds.with(this.init.pathOf(file), this.#modeOf(file, isHeld), async (fd) => {
        this.#absent.delete(file);
        await this.#prepare(file, fd);
        // A sync in progress does not cover this write: only a later one does.
        this.#dirty.add(file);
        return use(fd, this.#held.get(file)).finally(() => this.#dirty.add(file));
      });
    });
  }

  /** These files hold verified pieces: they must exist, and stay. Extends them to their full length. */
  async hold(files: ReadonlySet<number>): Promise<void> {
    for (const file of this.#dirty) if (!files.has(file)) this.#dirty.delete(file);
    await this.#each(files, AT_ONCE, (file) => this.#guard(file, () => this.#adopt(file)));
  }

  /** These files are missing: until {@link close}, what appears in their place is not written to. */
  expectNone(files: readonly number[]): void {
    for (const file of files) this.#absent.add(file);
  }

  /** Resolves when all written data is on disk, under its path. */
  async flush(): Promise<void> {
    if (this.#broken) throw this.#broken;
    if (this.init.stage !== undefined) await checkStage(this.init.stage);
    await this.#each([...this.#dirty], SYNCS_AT_ONCE, (file) => this.#settleDirty(file));
    await this.#patrol();
  }

  /** Checks all files before they are published: none may be missing, or have the wrong length. */
  async settle(): Promise<void> {
    const { lengths, selection } = this.init;
    const files = lengths.flatMap((length, file) => (length > 0 && selection.has(file) ? [file] : []));
    await this.#each(files, AT_ONCE, async (file) => {
      if (!this.#held.has(file)) await this.#guard(file, () => this.#adopt(file));
      await this.#check(file);
    });
  }

  /** Forgets the identities of the files: they may be repaired, and are identified again. */
  close(): void {
    this.#held.clear();
    this.#ready.clear();
    this.#absent.clear();
    this.#reached.clear();
    this.#stage = undefined;
    this.#broken = undefined;
  }

  async #settleDirty(file: number): Promise<void> {
    this.#dirty.delete(file);
    try {
      await this.#guard(file, () => this.#sync(file));
      await this.#check(file);
    } catch (error) {
      this.#dirty.add(file);
      throw error;
    }
  }

  /** Before a file is created: its folder must be the one that no other user can change. */
  async #enterStage(file: number): Promise<void> {
    const { stage } = this.init;
    if (stage === undefined || this.#ready.has(file)) return;
    this.#stage ??= makeStage(stage);
    this.#stage.catch(() => (this.#stage = undefined));
    await this.#stage;
    await checkStage(stage);
  }

  /** Call it just before the open: another write may have created the file by then. */
  #modeOf(file: number, isHeld: boolean): 'write' | 'create' | 'new' {
    if (isHeld) return 'write';
    return this.#absent.has(file) ? 'new' : 'create';
  }

  /** In place, a folder may be a link of its owner to one outside the content: that is read, but never written to. */
  async #reach(file: number): Promise<void> {
    const { stage, foldersOf } = this.init;
    if (stage !== undefined || !foldersOf || this.#reached.has(file)) return;
    for (const folder of foldersOf(file)) {
      const look = await lstat(folder).catch(ignoringAbsence);
      if (!look) break;
      if (look.isSymbolicLink()) throw partLinked(folder);
    }
    this.#reached.add(file);
  }

  #prepare(file: number, fd: number): Promise<void> {
    let ready = this.#ready.get(file);
    if (!ready) {
      ready = this.#makeReady(file, fd);
      this.#ready.set(file, ready);
      ready.catch(() => this.#ready.delete(file));
    }
    return ready;
  }

  async #makeReady(file: number, fd: number): Promise<void> {
    if (this.#held.has(file)) return;
    const { dev, ino, size } = await statFd(fd, { bigint: true });
    if (this.init.stage !== undefined) await this.#checkPlace(file, this.init.stage, { dev, ino });
    const length = this.#lengthOf(file);
    if (size !== BigInt(length)) await truncateFd(fd, length);
    this.#held.set(file, { dev, ino });
  }

  /** The open file must be at its path, in a stage that is still private: it may have been swapped before the open. */
  async #checkPlace(file: number, stage: string, opened: FileIdentity): Promise<void> {
    const path = this.init.pathOf(file);
    await checkStage(stage);
    const { dev, ino } = await lstat(path, { bigint: true });
    if (dev !== opened.dev || ino !== opened.ino) throw partChanged(path);
  }

  /** In place, a file may be a link of its owner: it is read and left alone, but never written to. */
  #look(path: string): Promise<BigIntStats> {
    return (this.init.stage === undefined ? stat : lstat)(path, { bigint: true });
  }

  /** Accepts the file at the path as the one that was written to. */
  async #adopt(file: number): Promise<void> {
    if (this.#held.has(file)) return this.#check(file);
    const path = this.init.pathOf(file);
    const found = await this.#look(path);
    if (found.isSymbolicLink()) throw partLinked(path);
    const { dev, ino, size } = found;
    const length = this.#lengthOf(file);
    if (size !== BigInt(length))
      await this.components.fds.with(path, 'write', (fd) => truncateFd(fd, length));
    this.#held.set(file, { dev, ino });
  }

  async #sync(file: number): Promise<void> {
    await this.components.fds.with(this.init.pathOf(file), 'write', async (fd) => {
      try {
        await syncFd(fd);
      } catch (error) {
        this.#broken = diskError(error, this.init.pathOf(file));
        throw this.#broken;
      }
    });
  }

  /** Checks some of the files for replacement, the next ones with each call. */
  async #patrol(): Promise<void> {
    const { length } = this.init.lengths;
    for (let step = 0; step < Math.min(PATROL_FILES, length); step++) {
      this.#patrolled = (this.#patrolled + 1) % length;
      if (this.#held.has(this.#patrolled)) await this.#check(this.#patrolled);
    }
  }

  async #check(file: number): Promise<void> {
    const path = this.init.pathOf(file);
    const look = await this.#guard(file, () => this.#look(path));
    const held = this.#held.get(file);
    const same = !held || (held.dev === look.dev && held.ino === look.ino);
    if (!same || look.size !== BigInt(this.#lengthOf(file))) throw partChanged(path);
  }

  /** Converts errors: a file that existed and is missing is reported as such, wherever that is noticed. */
  async #guard<T>(file: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const path = this.init.pathOf(file);
      const errno = errnoOf(error);
      if (errno === 'SHORT_FILE' || errno === 'OTHER_FILE') throw partChanged(path, error);
      if (errno === 'EEXIST') throw partAppeared(path, error);
      if (errno === 'ELOOP') throw partLinked(path, error);
      throw errno === 'ENOENT' ? partMissing(path, error) : diskError(error, path);
    }
  }

  /** Starts no more work once a call has failed; throws the first error when all running calls have ended. */
  async #each(files: Iterable<number>, atOnce: number, work: (file: number) => Promise<void>): Promise<void> {
    const left = files[Symbol.iterator]();
    const errors: unknown[] = [];
    const workSome = async (): Promise<void> => {
      for (let next = left.next(); !next.done && errors.length === 0; next = left.next())
        await work(next.value).catch((error: unknown) => errors.push(error));
    };
    await Promise.all(Array.from({ length: atOnce }, workSome));
    if (errors.length > 0) throw errors[0];
  }

  #lengthOf(file: number): number {
    return this.init.lengths[file] ?? 0;
  }
}

function partMissing(path: string, cause: unknown): EnjambreError {
  const message = `${path}: it is missing: restore it, or verify the download to fetch it again`;
  return new EnjambreError('precondition', 'FILE_MISSING', message, { cause });
}

function ignoringAbsence(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

function partAppeared(path: string, cause: unknown): EnjambreError {
  const message = `${path}: it was missing, and something else has its place now: move that away, then resume`;
  return new EnjambreError('precondition', 'FILE_CHANGED', message, { cause });
}

function partLinked(path: string, cause?: unknown): EnjambreError {
  const message = `${path}: it is a symbolic link, and the agent writes to no file through a link: put the file itself there, or remove the link and verify the download`;
  return new EnjambreError('precondition', 'FILE_CHANGED', message, { cause });
}

function partChanged(path: string, cause?: unknown): EnjambreError {
  const message = `${path}: it is no longer the file that was written: resume to check it and fetch what is missing`;
  return new EnjambreError('precondition', 'FILE_CHANGED', message, { cause });
}
