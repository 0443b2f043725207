import { basename, dirname, join } from 'node:path';
import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { PieceLayout } from '@enjambre/core/layout';
import { subtreeRoot } from '@enjambre/core/merkle';
import type { Metainfo } from '@enjambre/core/metainfo';
import {
  BLOCK_LOST,
  CONTENT_CHANGED,
  MAX_KEPT_PATHS,
  type Deletion,
  type DeletionRules,
  type KeptPath,
  type KeptReason,
  type PieceStore,
  type Publication,
  type ReplacedContent,
  type Survey,
} from '../../src/app/ports/piece-store.js';
import { RESERVED_NAME, type StoreFactory } from '../../src/app/ports/store-factory.js';
import { Selection } from '../../src/domain/selection.js';
import { overwrite, resize, type MemoryDisk, type MemoryFile } from './memory-disk.js';

/** Injected faults of a {@link MemoryPieceStore}'s disk. */
export interface MemoryFaults {
  /** Blocks that are lost when they are written, from now on. */
  lostBlocks: number;
  /** True while syncs fail. */
  failsSync: boolean;
}

/** Creates stores on a {@link MemoryDisk}. */
export class MemoryStores implements Pick<StoreFactory, 'original' | 'download'> {
  readonly faults: MemoryFaults = { lostBlocks: 0, failsSync: false };

  constructor(readonly disk: MemoryDisk) {}

  original(metainfo: Metainfo, path: string): MemoryPieceStore {
    return new MemoryPieceStore(this, { metainfo, selection: new Selection(metainfo), path });
  }

  download(
    metainfo: Metainfo,
    folder: string,
    inPlace: boolean,
    selection = new Selection(metainfo),
  ): MemoryPieceStore {
    const target = join(folder, metainfo.name);
    const path = inPlace ? target : join(folder, RESERVED_NAME, metainfo.infohash, metainfo.name);
    return new MemoryPieceStore(this, { metainfo, selection, path, target });
  }
}

interface MemoryStoreInit {
  readonly metainfo: Metainfo;
  readonly selection: Selection;
  readonly path: string;
  /** For a download in progress: its target when it is complete. */
  readonly target?: string;
}

/** Stamps of files, by index. */
type Look = ReadonlyMap<number, string>;

/** The files of one transfer in memory. Synchronous: nothing here waits. */
export class MemoryPieceStore implements PieceStore {
  #path: string;
  readonly #layout: PieceLayout;
  /** Files that must stay the same. */
  readonly #held = new Map<number, MemoryFile>();
  #broken: EnjambreError | undefined;
  #looked: Look | undefined;
  #seals: Map<number, string> | undefined;

  constructor(
    private readonly parts: { readonly disk: MemoryDisk; readonly faults: MemoryFaults },
    private readonly init: MemoryStoreInit,
  ) {
    this.#path = init.path;
    this.#layout = PieceLayout.of(init.metainfo);
  }

  get path(): string {
    return this.#path;
  }

  async read({ piece, begin }: { piece: number; begin: number }, into: Buffer): Promise<void> {
    const { file, offset } = this.#layout.pieceFile(piece);
    const found = this.#fileAt(file);
    if (!found) throw fileMissing(this.#pathOf(file));
    if (this.#seals && this.#seals.get(file) !== lookOf(found) && !(await this.#isRight(piece)))
      throw contentChanged(this.#pathOf(file));
    if (found.bytes.length < offset + begin + into.length) throw fileChanged(this.#pathOf(file));
    found.bytes.copy(into, 0, offset + begin);
  }

  async write(piece: number, block: number, data: Buffer): Promise<Buffer> {
    await Promise.resolve();
    if (data.length !== this.#layout.blockSize(piece, block))
      throw new TypeError('not the length of a block');
    const { file, offset } = this.#layout.pieceFile(piece);
    if (this.#held.has(file)) this.#check(file);
    const { faults } = this.parts;
    if (faults.lostBlocks > 0) {
      faults.lostBlocks -= 1;
      throw new EnjambreError('aborted', BLOCK_LOST, `${this.#pathOf(file)}: the block is lost`);
    }
    const found = this.#fileAt(file) ?? this.parts.disk.put(this.#pathOf(file), Buffer.alloc(0));
    this.#hold(file, found);
    overwrite(found, offset + block * this.#layout.longestBlock, data);
    const root = subtreeRoot(data, this.#layout.blockLeaves(piece));
    // The caller has given up ownership: any later use must be noticed.
    data.fill(0xdd);
    return root;
  }

  async hashPiece(piece: number): Promise<Buffer | undefined> {
    await Promise.resolve();
    const { file, offset } = this.#layout.pieceFile(piece);
    const bytes = this.#fileAt(file)?.bytes.subarray(offset, offset + this.#layout.pieceSize(piece));
    if (bytes?.length !== this.#layout.pieceSize(piece)) return undefined;
    return subtreeRoot(bytes, this.#layout.pieceLeaves(piece));
  }

  async hold(have: Bitfield): Promise<void> {
    await Promise.resolve();
    const files = new Set([...have.indexes()].map((piece) => this.#layout.pieceFile(piece).file));
    for (const file of files) {
      if (this.#held.has(file)) this.#check(file);
      const found = this.#fileAt(file);
      if (!found) throw fileMissing(this.#pathOf(file));
      this.#hold(file, found);
    }
  }

  async flush(): Promise<void> {
    await Promise.resolve();
    if (this.parts.faults.failsSync)
      this.#broken = new EnjambreError('internal', 'DISK_FAILED', `${this.#path}: it cannot be synced`);
    if (this.#broken) throw this.#broken;
    for (const file of this.#held.keys()) this.#check(file);
  }

  discardReplaced(): Promise<string> {
    return Promise.resolve('');
  }

  putBackReplaced(): Promise<void> {
    return Promise.resolve();
  }

  releaseReplaced(): Promise<string> {
    return Promise.resolve('');
  }

  async publish(replaced?: readonly ReplacedContent[]): Promise<Publication> {
    const { disk } = this.parts;
    const { target } = this.init;
    const already = { isTaken: false, warning: undefined } as const;
    if (target === undefined) return already;
    if (target === this.#path && this.#held.size === 0 && this.#look()) return already;
    await this.flush();
    for (const file of this.#files()) this.#finish(file);
    this.#held.clear();
    if (target === this.#path) return { isTaken: false, warning: '' };
    if (replaced) disk.remove(target);
    if (disk.at(target)) return { isTaken: true, error: targetTaken(target) };
    const incomplete = dirname(this.#path);
    disk.move(this.#path, target);
    this.#path = target;
    this.#removeEmpty(incomplete);
    return { isTaken: false, warning: '' };
  }

  allocated(): Promise<number> {
    let bytes = 0;
    for (const file of this.#files()) bytes += this.#fileAt(file)?.written ?? 0;
    return Promise.resolve(bytes);
  }

  exists(): Promise<boolean> {
    return Promise.resolve(this.parts.disk.at(this.#path) !== undefined);
  }

  survey(files: Iterable<number> = this.#files()): Promise<Survey> {
    const looks: string[] = [];
    for (const file of files) {
      const found = this.#fileAt(file);
      if (!found) return Promise.resolve({ absent: this.#pathOf(file), look: '' });
      looks.push(lookOf(found));
    }
    return Promise.resolve({ look: looks.join() });
  }

  fingerprint(): Promise<string | undefined> {
    this.#looked = this.#look();
    return Promise.resolve(this.#looked && textOf(this.#looked));
  }

  seal(since?: string): Promise<string | undefined> {
    const now = this.#look();
    const isKnown = since !== undefined && this.#looked !== undefined && textOf(this.#looked) === since;
    const right = isKnown ? this.#looked : since === undefined ? now : now && new Map<number, string>();
    this.#seals = right && new Map(right);
    return Promise.resolve(right && textOf(right));
  }

  async patrol(): Promise<string | undefined> {
    let resealed = false;
    for (const file of this.#seals ? this.#files() : []) {
      const found = this.#fileAt(file);
      if (!found) throw fileMissing(this.#pathOf(file));
      if (this.#seals?.get(file) === lookOf(found)) continue;
      if (!(await this.#holdsContent(file))) throw contentChanged(this.#pathOf(file));
      this.#seals?.set(file, lookOf(found));
      resealed = true;
    }
    return resealed && this.#seals ? textOf(this.#seals) : undefined;
  }

  identity(): Promise<string> {
    return Promise.resolve(String(this.parts.disk.at(this.#path)?.id ?? ''));
  }

  missingFiles(): Promise<number[]> {
    return Promise.resolve([...this.#files()].filter((file) => !this.parts.disk.at(this.#pathOf(file))));
  }

  async delete(rules: DeletionRules): Promise<Deletion> {
    const { disk } = this.parts;
    const kept: KeptPath[] = [];
    const parents = new Set<string>();
    let deleted = 0;
    for (const file of this.#files()) {
      const path = this.#pathOf(file);
      const inTheWay = this.#inTheWayOf(path);
      if (inTheWay !== undefined && !kept.some((other) => other.path === inTheWay))
        kept.push({ path: inTheWay, reason: 'replaced' });
      if (inTheWay !== undefined || !disk.at(path)) continue;
      const reason = await this.#reasonToKeep(file, rules);
      if (reason !== undefined) {
        kept.push({ path, reason });
        continue;
      }
      disk.remove(path);
      deleted += 1;
      for (const folder of this.#foldersAbove(path)) parents.add(folder);
    }
    const paths = [...this.#files()].map((file) => this.#pathOf(file));
    const names = new Set(paths.flatMap((path) => [path, ...this.#foldersAbove(path)]));
    for (const folder of [...parents].sort((a, b) => b.length - a.length)) {
      const left = disk.below(folder).filter((path) => dirname(path) === folder);
      if (left.length === 0) disk.remove(folder);
      for (const path of left) if (!names.has(path)) kept.push({ path, reason: 'foreign' });
    }
    if (this.init.target !== undefined && this.#path !== this.init.target)
      this.#removeEmpty(dirname(this.#path));
    return { deleted, kept: kept.length, paths: kept.slice(0, MAX_KEPT_PATHS) };
  }

  close(): Promise<void> {
    this.#held.clear();
    this.#broken = undefined;
    return Promise.resolve();
  }

  *#files(): Iterable<number> {
    yield* this.init.selection.files();
  }

  #pathOf(file: number): string {
    const { isFolder, files } = this.init.metainfo;
    return isFolder ? join(this.#path, ...(files[file]?.path ?? [])) : this.#path;
  }

  #fileAt(file: number): MemoryFile | undefined {
    return this.parts.disk.fileAt(this.#pathOf(file));
  }

  #lengthOf(file: number): number {
    return this.init.metainfo.files[file]?.length ?? 0;
  }

  #hold(file: number, found: MemoryFile): void {
    resize(found, this.#lengthOf(file));
    this.#held.set(file, found);
  }

  /** Throws if a file was replaced or resized. */
  #check(file: number): void {
    const [held, found] = [this.#held.get(file), this.#fileAt(file)];
    if (!found) throw fileMissing(this.#pathOf(file));
    if (found !== held || found.bytes.length !== this.#lengthOf(file)) throw fileChanged(this.#pathOf(file));
  }

  /** Extends a file to its length; creates an empty one. */
  #finish(file: number): void {
    if (this.#lengthOf(file) === 0 && !this.#fileAt(file))
      this.parts.disk.put(this.#pathOf(file), Buffer.alloc(0));
    const found = this.#fileAt(file);
    if (!found) throw fileMissing(this.#pathOf(file));
    resize(found, this.#lengthOf(file));
  }

  /** Undefined if a file is missing or has the wrong length. */
  #look(): Look | undefined {
    const look = new Map<number, string>();
    for (const file of this.#files()) {
      const found = this.#fileAt(file);
      if (found?.bytes.length !== this.#lengthOf(file)) return undefined;
      look.set(file, lookOf(found));
    }
    return look;
  }

  async #isRight(piece: number): Promise<boolean> {
    return (await this.hashPiece(piece))?.equals(this.#layout.pieceRoot(piece)) === true;
  }

  async #holdsContent(file: number): Promise<boolean> {
    if (this.#fileAt(file)?.bytes.length !== this.#lengthOf(file)) return false;
    const { first, count } = this.#layout.filePieces(file);
    for (let piece = first; piece < first + count; piece++) if (!(await this.#isRight(piece))) return false;
    return true;
  }

  /** True for a file in the place of a folder of the content, or the reverse. */
  #inTheWayOf(path: string): string | undefined {
    const { disk } = this.parts;
    if (disk.at(path)?.kind === 'folder') return path;
    return this.#foldersAbove(path).find((folder) => disk.fileAt(folder));
  }

  /** Folders of the content, innermost first. */
  #foldersAbove(path: string): string[] {
    const folders: string[] = [];
    for (let folder = dirname(path); folder.startsWith(this.#path); folder = dirname(folder))
      folders.push(folder);
    return folders;
  }

  async #reasonToKeep(file: number, rules: DeletionRules): Promise<KeptReason | undefined> {
    if (!rules.isOwn(file)) return rules.notOwn;
    return rules.anyContent || (await this.#holdsContent(file)) ? undefined : 'changed';
  }

  /** Removes the folder of a download in progress, and the folder of all of them, if they are empty. */
  #removeEmpty(folder: string): void {
    const { disk } = this.parts;
    if (disk.below(folder).length > 0) return;
    disk.remove(folder);
    if (basename(dirname(folder)) === RESERVED_NAME) this.#removeEmpty(dirname(folder));
  }
}

const lookOf = ({ id, version, bytes }: MemoryFile): string => `${id}.${version}.${bytes.length}`;
const textOf = (look: Look): string => `memory:${[...look].join(' ')}`;

function fileMissing(path: string): EnjambreError {
  return new EnjambreError('precondition', 'FILE_MISSING', `${path}: it is missing: restore it`);
}

function fileChanged(path: string): EnjambreError {
  return new EnjambreError(
    'precondition',
    'FILE_CHANGED',
    `${path}: it is no longer the file that was written`,
  );
}

function contentChanged(path: string): EnjambreError {
  return new EnjambreError('precondition', CONTENT_CHANGED, `${path} is no longer what was shared`);
}

function targetTaken(path: string): EnjambreError {
  return new EnjambreError('already-exists', 'PATH_EXISTS', `${path} already exists`);
}
