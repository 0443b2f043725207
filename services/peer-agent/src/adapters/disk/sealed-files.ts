import { stat } from 'node:fs/promises';
import type { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import { contentChanged } from '../../app/content.js';
import type { FileStamp } from '../../app/ports/sharing.js';
import type { Selection } from '../../domain/selection.js';
import { diskError, isAbsence } from './disk-errors.js';
import { FileStamps } from './file-stamps.js';
import { isThere } from './move-new.js';

export interface SealedFilesInit {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  /** The files that are checked. */
  readonly selection: Pick<Selection, 'has' | 'files'>;
  readonly pathOf: (file: number) => string;
  /** See {@link PieceStore.hashPiece}. */
  readonly hashPiece: (piece: number) => Promise<Buffer | undefined>;
}

/** A sealed file of the right size that has changed since. */
interface Doubt {
  /** Its current stamp, as a table with one entry. */
  readonly stamp: FileStamps;
  /** Pieces that were hashed since and are correct. */
  readonly good: Set<number>;
}

/** Files checked concurrently: more than the system has threads for it. */
const LOOKS_AT_ONCE = 64;
/** Files checked per {@link SealedFiles.patrol}: negligible cost. */
const PATROL_FILES = 64;

/**
 * The integrity check of complete content, whose files must not change. A file with a changed stamp (`chmod`, another
 * hard link, a restored copy, or other bytes) is hashed: each piece before any of its bytes is read again, and the
 * whole file by the background scrub. Correct files are sealed again; wrong ones throw `precondition` CONTENT_CHANGED.
 */
export class SealedFiles {
  /** Required stamp of each file; undefined until the files are sealed. */
  #seals: FileStamps | undefined;
  /** Stamps found by the last {@link look}. */
  #looked: FileStamps | undefined;
  /** Stamps found by the last look with a different result. */
  #lookedBefore: FileStamps | undefined;
  readonly #doubts = new Map<number, Doubt>();
  #patrolled = 0;
  #patrolling: Promise<string | undefined> | undefined;
  /** Incremented when the seals change: a check in progress is then void. */
  #generation = 0;

  constructor(private readonly init: SealedFilesInit) {}

  get isSealed(): boolean {
    return this.#seals !== undefined;
  }

  /** The stamps of all files; undefined if one is missing or has the wrong size. */
  async look(): Promise<FileStamps | undefined> {
    const stamps = new FileStamps(this.init.metainfo.files.length);
    for (const some of this.#inParts()) {
      const found = await Promise.all(some.map((file) => this.#lookAt(file)));
      for (const [index, file] of some.entries()) {
        const stamp = found[index];
        if (!stamp) return undefined;
        stamps.set(file, stamp);
      }
    }
    if (this.#looked?.fingerprint !== stamps.fingerprint) this.#lookedBefore = this.#looked;
    this.#looked = stamps;
    return stamps;
  }

  /**
   * Requires the files to stay as they are now, or as the {@link look} with the fingerprint `since` found them. Changes
   * after that look are then found like any later change; if its stamps are no longer known, all files count as
   * changed. Returns the fingerprint.
   */
  async seal(since?: string): Promise<string | undefined> {
    const looks = since === undefined ? [] : [this.#looked, this.#lookedBefore];
    const right = looks.find((look) => look?.fingerprint === since);
    this.release();
    const now = right ?? (await this.look());
    this.#seals = right || since === undefined ? now : now && new FileStamps(now.count);
    this.#lookedBefore = undefined;
    return this.#seals?.fingerprint;
  }

  /** Allows the files to change. */
  release(): void {
    this.#seals = undefined;
    this.#doubts.clear();
    this.rest();
  }

  /** Stops the scrub in progress. */
  rest(): void {
    this.#generation += 1;
  }

  /** Indexes of missing files. */
  async missing(): Promise<number[]> {
    const missing: number[] = [];
    for (const some of this.#inParts()) {
      const found = await Promise.all(some.map((file) => isThere(this.init.pathOf(file)).catch(() => true)));
      missing.push(...some.filter((_, index) => found[index] === false));
    }
    return missing;
  }

  /**
   * Returns a function that compares a file with the metainfo: it returns the file's stamp before the comparison, or
   * undefined if the content differs. Unchanged files need not be read.
   */
  async judge(fingerprint: string): Promise<(file: number) => Promise<FileStamp | undefined>> {
    const look = await this.look();
    const known = [this.#seals, look?.fingerprint === fingerprint ? look : undefined];
    const { layout, hashPiece } = this.init;
    return async (file) => {
      const stamp = await this.#lookAt(file);
      if (!stamp || known.some((stamps) => stamps?.matches(file, stamp))) return stamp;
      const { first, count } = layout.filePieces(file);
      for (let piece = first; piece < first + count; piece++)
        if ((await hashPiece(piece))?.equals(layout.pieceRoot(piece)) !== true) return undefined;
      return stamp;
    };
  }

  /** True if bytes of the piece that were just read may be served. `stamp` is that of its file, after the read. */
  vouches(piece: number, stamp: FileStamp): boolean {
    const { file } = this.init.layout.pieceFile(piece);
    if (!this.#seals || this.#seals.matches(file, stamp)) return true;
    const doubt = this.#doubts.get(file);
    return doubt !== undefined && doubt.stamp.matches(0, stamp) && doubt.good.has(piece);
  }

  /** Hashes a piece of a changed file. Throws if the piece has changed too. */
  async recheck(piece: number): Promise<void> {
    const { layout, pathOf, hashPiece } = this.init;
    const { file } = layout.pieceFile(piece);
    const stamp = await this.#lookAt(file);
    if (!stamp) throw contentChanged(pathOf(file));
    const doubt = this.#doubtOf(file, stamp);
    if (doubt.good.has(piece)) return;
    const root = await hashPiece(piece);
    const after = await this.#lookAt(file);
    const isRight = root?.equals(layout.pieceRoot(piece)) === true && after !== undefined;
    if (!isRight || !doubt.stamp.matches(0, after)) throw contentChanged(pathOf(file));
    doubt.good.add(piece);
  }

  /**
   * Checks some of the files, the next ones with each call, and hashes those that changed. Returns the new fingerprint
   * if any of these was correct.
   */
  patrol(): Promise<string | undefined> {
    this.#patrolling ??= this.#patrol().finally(() => (this.#patrolling = undefined));
    return this.#patrolling;
  }

  async #patrol(): Promise<string | undefined> {
    const generation = this.#generation;
    const isOver = (): boolean => generation !== this.#generation;
    const { length } = this.init.metainfo.files;
    const round = new Set(this.#doubts.keys());
    for (let step = 0; step < Math.min(PATROL_FILES, length); step++) {
      this.#patrolled = (this.#patrolled + 1) % length;
      if (this.init.selection.has(this.#patrolled)) round.add(this.#patrolled);
    }
    let resealed = false;
    for (const file of round) {
      if (isOver() || !this.#seals) return undefined;
      const stamp = await this.#statOf(file);
      if (isOver()) return undefined;
      if (this.#seals.matches(file, stamp)) this.#doubts.delete(file);
      else resealed = (await this.#recheckFile(file, isOver)) || resealed;
    }
    return resealed && !isOver() ? this.#seals?.fingerprint : undefined;
  }

  /** Hashes a file piece by piece, and seals its current state. False if the check was abandoned. */
  async #recheckFile(file: number, isOver: () => boolean): Promise<boolean> {
    const { first, count } = this.init.layout.filePieces(file);
    for (let piece = first; piece < first + count; piece++) {
      await this.recheck(piece);
      if (isOver()) return false;
    }
    const stamp = await this.#lookAt(file);
    if (isOver()) return false;
    const doubt = this.#doubts.get(file);
    // A file that changed again in the meantime is checked in the next round.
    if (!stamp || (count > 0 && (!doubt?.stamp.matches(0, stamp) || doubt.good.size < count))) return false;
    this.#seals?.set(file, stamp);
    this.#doubts.delete(file);
    return true;
  }

  #doubtOf(file: number, stamp: FileStamp): Doubt {
    const known = this.#doubts.get(file);
    if (known?.stamp.matches(0, stamp)) return known;
    const doubt = { stamp: new FileStamps(1), good: new Set<number>() };
    doubt.stamp.set(0, stamp);
    this.#doubts.set(file, doubt);
    return doubt;
  }

  /** The files that are checked concurrently, one group after another. */
  *#inParts(): Iterable<number[]> {
    let some: number[] = [];
    for (const file of this.init.selection.files()) {
      some.push(file);
      if (some.length < LOOKS_AT_ONCE) continue;
      yield some;
      some = [];
    }
    if (some.length > 0) yield some;
  }

  /** Stamp of a file that must exist with its full length; otherwise throws the reason. */
  async #statOf(file: number): Promise<FileStamp> {
    const path = this.init.pathOf(file);
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.size !== BigInt(this.init.metainfo.files[file]?.length ?? 0)) throw contentChanged(path);
      return stats;
    } catch (error) {
      throw diskError(error, path);
    }
  }

  async #lookAt(file: number): Promise<FileStamp | undefined> {
    const path = this.init.pathOf(file);
    try {
      const stats = await stat(path, { bigint: true });
      return stats.size === BigInt(this.init.metainfo.files[file]?.length ?? 0) ? stats : undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskError(error, path);
    }
  }
}
