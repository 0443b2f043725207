import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { flagName } from '@enjambre/common/config/options';
import { errnoOf } from '@enjambre/common/system-error';
import type { Logger } from '@enjambre/common/log/logger';
import { watch, type FSWatcher } from 'chokidar';
import pLimit from 'p-limit';
import type { FolderListener, LinkPolicy, WatchedFolder } from '../../app/ports/sharing.js';
import { diskError } from './disk-errors.js';
import { decodeEntryName } from './entry-name.js';
import { FolderLook, GONE } from './folder-look.js';

export interface DiskWatchedFolderInit {
  readonly path: string;
  /** Matches names to ignore, in the folder and in its subfolders. */
  readonly ignores: (name: string) => boolean;
  /** Which symbolic links are followed. @default skip */
  readonly links?: LinkPolicy;
  /** Leaves out names that cannot be shared. @default false */
  readonly skipUnsupported?: boolean;
  readonly log: Logger;
}

/** Entries checked concurrently. */
const AT_ONCE = 16;
/** Maximum number of names that are logged. */
const MAX_TOLD = 1000;

/**
 * A folder on this machine. The system reports changes through chokidar; scans find changes that it misses, and detect
 * whether the folder itself was replaced.
 */
export class DiskWatchedFolder implements WatchedFolder {
  readonly path: string;
  readonly ignores: (name: string) => boolean;
  readonly scan: WatchedFolder['scan'];
  #listener: FolderListener | undefined;
  #watcher: FSWatcher | undefined;
  /** Identity of the watched folder: another one may take its name. */
  #watched = '';
  readonly #errors = new Set<string>();
  readonly #unreachable = new Set<string>();
  readonly #limit = pLimit(AT_ONCE);
  #closing: Promise<void> | undefined;

  constructor(private readonly init: DiskWatchedFolderInit) {
    this.path = init.path;
    this.ignores = init.ignores;
    const { ignores, links = 'skip', skipUnsupported = false } = init;
    this.scan = { ignores, links, skipUnsupported, within: init.path, followLink: links !== 'skip' };
  }

  async look(): Promise<ReadonlyMap<string, string> | undefined> {
    let names: string[];
    try {
      const { dev, ino } = await stat(this.path);
      const entries = (await readdir(this.path, { encoding: 'buffer' })).map(decodeEntryName);
      names = entries.filter(({ isUtf8 }) => isUtf8).map(({ shown }) => shown);
      for (const { shown, isUtf8 } of entries) if (!isUtf8 && !this.ignores(shown)) this.#refuse(shown);
      await this.#follow(`${dev} ${ino}`);
    } catch (error) {
      if (!GONE.includes(errnoOf(error))) throw diskError(error, this.path, 'other');
      await this.#follow('');
      return undefined;
    }
    const looks = await Promise.all(names.map(async (name) => [name, await this.lookAt(name)] as const));
    return new Map(looks.flatMap(([name, look]) => (look === undefined ? [] : [[name, look]])));
  }

  async lookAt(name: string): Promise<string | undefined> {
    if (this.ignores(name)) return undefined;
    const boundary = await realpath(this.path).catch(() => this.path);
    const look = new FolderLook({ ...this.scan, ignores: this.ignores, boundary, limit: this.#limit });
    return look.at(join(this.path, name), name);
  }

  watch(listener: FolderListener): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#closing ??= this.#watcher?.close() ?? Promise.resolve();
    return this.#closing;
  }

  /** Logs a name that cannot be represented in our paths. */
  #refuse(name: string): void {
    if (this.#unreachable.has(name) || this.#unreachable.size >= MAX_TOLD) return;
    this.#unreachable.add(name);
    const path = join(this.path, name);
    this.init.log.warn({}, `not shared: ${path} has a name that is not UTF-8: rename it`);
  }

  /** Watches the folder that currently exists; none if `identity` is empty. */
  async #follow(identity: string): Promise<void> {
    if (identity === this.#watched || !this.#listener) return;
    const before = this.#watcher;
    this.#watched = identity;
    this.#watcher = identity === '' ? undefined : this.#open(await realpath(this.path));
    await before?.close();
  }

  /** @param root without symbolic links: watching a link reports no changes of its target */
  #open(root: string): FSWatcher {
    const partsOf = (path: string): string[] => relative(root, path).split(sep).filter(Boolean);
    const watcher = watch(root, {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignored: (path) => partsOf(path).some((part) => this.ignores(part)),
    });
    watcher.on('all', (_event, path) => {
      const [name] = partsOf(path);
      if (name === undefined) this.#listener?.changedAll();
      else this.#listener?.changed(name);
    });
    // Covers changes made before the watch was active.
    watcher.on('ready', () => this.#listener?.changedAll());
    watcher.on('error', (error) => {
      this.#complain(error);
    });
    return watcher;
  }

  #complain(error: unknown): void {
    const code = errnoOf(error);
    if (this.#errors.has(code)) return;
    this.#errors.add(code);
    this.init.log.warn(
      { err: error },
      `the system does not report all changes in the shared folder (${code}): periodic scans find them (${flagName('sharedPoll')})`,
    );
  }
}
