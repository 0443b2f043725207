import { constants, type BigIntStats, type Dirent, type OpenDirOptions } from 'node:fs';
import { access, lstat, opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { MAX_FILES, MAX_PATH_DEPTH } from '@enjambre/core/metainfo';
import { nameFault } from '@enjambre/core/names';
import { errnoOf } from '@enjambre/common/system-error';
import pLimit from 'p-limit';
import { RESERVED_NAME } from '../../app/ports/store-factory.js';
import type { LinkPolicy, ScannedContent, ScanOptions } from '../../app/ports/sharing.js';
import { decodeEntryName, isLossy } from './entry-name.js';
import { LeftOutList } from './left-out.js';
import { isMark, type PrivateLook } from './private-folders.js';
import { isProbe } from './probes.js';
import * as refusal from './scan-refusals.js';

type ScannedFile = ScannedContent['files'][number];

/** Files checked concurrently. */
const FILES_AT_ONCE = 16;
/** Entries read from a folder at a time. */
const ENTRIES_AT_ONCE = 256;
/** Maximum number of entries checked: links to folders of links could multiply without end. */
const MAX_ENTRIES = 4 * MAX_FILES;
const OWNER_MAY_EXECUTE = 0o100n;

/** A folder to scan: its path in the share, and the folders above it. */
interface Place {
  /** Its location, without a link that leads to it. */
  readonly folder: string;
  readonly path: readonly string[];
  /** Devices and inodes of it and of the folders above: a link to one of them is a loop. */
  readonly above: readonly string[];
}

/**
 * Scans content to share, and finds every problem that can be known before reading a byte: names and files that cannot
 * be shared, links, and files that must not leave this machine.
 */
export class ContentScan {
  readonly #files: ScannedFile[] = [];
  readonly #leftOut = new LeftOutList();
  readonly #limit = pLimit(FILES_AT_ONCE);
  readonly #links: LinkPolicy;
  #entries = 0;
  #boundary = '';

  constructor(
    private readonly root: string,
    private readonly look: PrivateLook,
    private readonly options: ScanOptions,
  ) {
    this.#links = options.links ?? 'skip';
  }

  async run(): Promise<ScannedContent> {
    const { root, options } = this;
    const stats = await this.#stat(root, options.followLink === false ? lstat : stat);
    if (stats.isSymbolicLink()) throw refusal.isLink(root);
    const real = await realpath(root);
    if (real.split(sep).slice(0, -1).includes(RESERVED_NAME)) throw refusal.incomplete(root);
    await this.look.checkOutside(real);
    this.#boundary = await realpath(options.within ?? root);
    if (options.within !== undefined && !this.#isInside(real) && this.#links !== 'anywhere') {
      throw refusal.leadsOutside(root, real);
    }
    if (stats.isFile()) return this.#single(stats);
    if (!stats.isDirectory()) throw refusal.notAFile(root);
    if (basename(real) === RESERVED_NAME) throw refusal.incomplete(root);
    this.look.checkFolder(root, stats);
    await this.#walk({ folder: root, path: [], above: [keyOf(stats)] });
    const leftOut = this.#leftOut.summary;
    const refused = this.#leftOut.unsupported;
    if (refused.length > 0 && options.skipUnsupported !== true) {
      throw refusal.unsupported(root, refused, leftOut.unsupported);
    }
    const totalLength = this.#files.reduce((sum, { length }) => sum + length, 0);
    if (totalLength === 0) throw refusal.emptyFolder(root, leftOut);
    return { path: root, isFolder: true, totalLength, files: this.#files, leftOut };
  }

  async #single(stats: BigIntStats): Promise<ScannedContent> {
    const { root } = this;
    this.look.checkFile(root, stats);
    if (stats.size === 0n) throw refusal.emptyFile(root);
    await this.#checkReadable(root);
    const files = [scanned([basename(root)], await realpath(root), stats)];
    const leftOut = this.#leftOut.summary;
    return { path: root, isFolder: false, totalLength: Number(stats.size), files, leftOut };
  }

  async #walk(place: Place): Promise<void> {
    this.#checkGoOn(place);
    const marks = new Set<string>();
    let isEmpty = true;
    let some: Dirent<Buffer>[] = [];
    try {
      // The type definitions know only text encodings.
      const options = { encoding: 'buffer', bufferSize: ENTRIES_AT_ONCE } as unknown as OpenDirOptions;
      for await (const entry of (await opendir(place.folder, options)) as AsyncIterable<unknown>) {
        isEmpty = false;
        some.push(entry as Dirent<Buffer>);
        if (some.length < ENTRIES_AT_ONCE) continue;
        await this.#enter(place, some, marks);
        some = [];
      }
    } catch (error) {
      throw refusal.unreadable(error, place.folder);
    }
    await this.#enter(place, some, marks);
    if (isEmpty) this.#leftOut.emptyFolder();
  }

  /** Checks some entries of a folder: its files concurrently, its subfolders one after the other. */
  async #enter(place: Place, entries: readonly Dirent<Buffer>[], marks: Set<string>): Promise<void> {
    const folders: Place[] = [];
    const work = entries.map((entry) =>
      this.#limit(async () => {
        const name = decodeEntryName(entry.name);
        if (isMark(name.shown)) marks.add(name.shown);
        if (isProbe(name.shown) || this.options.ignores?.(name.shown) === true) return;
        const path = [...place.path, name.shown];
        const fault = name.isUtf8 ? nameFault(name.shown) : 'is not UTF-8';
        if (fault !== undefined) this.#leftOut.add('name', path, fault);
        else if (path.length > MAX_PATH_DEPTH) {
          this.#leftOut.add('name', path, `is more than ${MAX_PATH_DEPTH} folders deep`);
        } else {
          const folder = await this.#entry(entry, join(place.folder, name.shown), { ...place, path });
          if (folder) folders.push(folder);
        }
      }),
    );
    await Promise.all(work);
    this.look.checkNames(place.folder, marks);
    this.#entries += entries.length;
    this.#checkGoOn(place);
    for (const folder of folders) await this.#walk(folder);
  }

  /** Adds a file; returns a folder that must be scanned. `at.path` is the path of the entry itself. */
  async #entry(entry: Dirent<Buffer>, diskPath: string, at: Place): Promise<Place | undefined> {
    if (entry.isSymbolicLink()) return this.#link(diskPath, at);
    if (entry.isDirectory()) return this.#folder(diskPath, await this.#stat(diskPath, lstat), at);
    if (entry.isFile()) await this.#file(diskPath, await this.#stat(diskPath, lstat), at.path);
    else this.#leftOut.add('special', at.path);
    return undefined;
  }

  async #link(diskPath: string, at: Place): Promise<Place | undefined> {
    if (this.#links === 'skip') return this.#passOver('link', at.path);
    let real: string;
    try {
      real = await realpath(diskPath);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) throw refusal.unreadable(error, diskPath);
      return this.#passOver('dangling', at.path);
    }
    if (this.#links === 'inside' && !this.#isInside(real)) return this.#passOver('outside', at.path);
    if (real.split(sep).includes(RESERVED_NAME)) return this.#passOver('incomplete', at.path);
    await this.look.checkOutside(real);
    const stats = await this.#stat(real, lstat);
    if (stats.isDirectory()) return this.#folder(real, stats, at);
    if (stats.isFile()) await this.#file(real, stats, at.path);
    else this.#leftOut.add('special', at.path);
    return undefined;
  }

  #folder(diskPath: string, stats: BigIntStats, { path, above }: Place): Place | undefined {
    if (path.at(-1) === RESERVED_NAME) return this.#passOver('incomplete', path);
    this.look.checkFolder(diskPath, stats);
    const key = keyOf(stats);
    if (above.includes(key)) return this.#passOver('loop', path);
    return { folder: diskPath, path, above: [...above, key] };
  }

  async #file(diskPath: string, stats: BigIntStats, path: readonly string[]): Promise<void> {
    this.look.checkFile(diskPath, stats);
    await this.#checkReadable(diskPath);
    this.#files.push(scanned(path, diskPath, stats));
  }

  #passOver(
    why: 'link' | 'outside' | 'dangling' | 'loop' | 'incomplete',
    path: readonly string[],
  ): Place | undefined {
    this.#leftOut.add(why, path);
    return undefined;
  }

  #checkGoOn({ folder }: Place): void {
    if (this.options.signal?.aborted === true) throw refusal.cancelled();
    if (this.#files.length > MAX_FILES || this.#entries > MAX_ENTRIES)
      throw refusal.tooMany(this.root, folder);
  }

  #isInside(real: string): boolean {
    const way = relative(this.#boundary, real);
    return way !== '..' && !way.startsWith(`..${sep}`);
  }

  async #checkReadable(path: string): Promise<void> {
    try {
      await access(path, constants.R_OK);
    } catch (error) {
      throw refusal.unreadable(error, path);
    }
  }

  async #stat(
    path: string,
    how: (path: string, options: { bigint: true }) => Promise<BigIntStats>,
  ): Promise<BigIntStats> {
    try {
      return await how(path, { bigint: true });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && isLossy(path)) throw refusal.notUtf8(path);
      throw refusal.unreadable(error, path);
    }
  }
}

function scanned(path: readonly string[], diskPath: string, stats: BigIntStats): ScannedFile {
  const { dev, ino, size, mtimeNs, ctimeNs, mode } = stats;
  const executable = (mode & OWNER_MAY_EXECUTE) !== 0n;
  return { path, length: Number(size), diskPath, executable, stamp: { dev, ino, size, mtimeNs, ctimeNs } };
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}
