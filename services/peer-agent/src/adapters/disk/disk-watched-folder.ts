import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import type { Logger } from '@enjambre/common/log/logger';
import { watch, type FSWatcher } from 'chokidar';
import pLimit from 'p-limit';
import type { FolderListener, WatchedFolder } from '../../app/ports.js';
import { diskError } from './disk-errors.js';
import { stampText } from './file-stamps.js';

export interface DiskWatchedFolderInit {
  readonly path: string;
  /** Names that are passed over, in the folder and in folders inside. */
  readonly ignores: (name: string) => boolean;
  readonly log: Logger;
}

/** Files looked at in parallel. */
const AT_ONCE = 16;
const GONE = ['ENOENT', 'ENOTDIR'];

/**
 * A folder on this machine. Links are never followed. The system tells of changes through
 * chokidar; looks find what it does not tell, and whether the folder itself is another.
 */
export class DiskWatchedFolder implements WatchedFolder {
  readonly path: string;
  readonly ignores: (name: string) => boolean;
  #listener: FolderListener | undefined;
  #watcher: FSWatcher | undefined;
  /** Which folder is watched: there may come another of its name. */
  #watched = '';
  readonly #errors = new Set<string>();
  readonly #limit = pLimit(AT_ONCE);
  #closing: Promise<void> | undefined;

  constructor(private readonly init: DiskWatchedFolderInit) {
    this.path = init.path;
    this.ignores = init.ignores;
  }

  async look(): Promise<ReadonlyMap<string, string> | undefined> {
    let names: string[];
    try {
      const { dev, ino } = await stat(this.path);
      names = await readdir(this.path);
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
    const looks: string[] = [];
    await this.#walk(join(this.path, name), name, looks);
    if (looks.length === 0) return undefined;
    const hash = createHash('sha256');
    for (const look of looks.sort()) hash.update(`${look}\n`);
    return hash.digest('hex');
  }

  watch(listener: FolderListener): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#closing ??= this.#watcher?.close() ?? Promise.resolve();
    return this.#closing;
  }

  /** Adds a line for what is at `path`, and for all in it. What goes in the meantime is as if it had not been. */
  async #walk(path: string, name: string, looks: string[]): Promise<void> {
    try {
      const stats = await this.#limit(() => lstat(path, { bigint: true }));
      const mode = String(stats.mode);
      if (!stats.isDirectory()) {
        looks.push(JSON.stringify([name, mode, stampText(stats)]));
        return;
      }
      looks.push(JSON.stringify([name, mode]));
      const names = (await this.#limit(() => readdir(path))).filter((inner) => !this.ignores(inner));
      await Promise.all(names.map((inner) => this.#walk(join(path, inner), `${name}/${inner}`, looks)));
    } catch (error) {
      // Sharing it finds out what is wrong, and says it.
      if (!GONE.includes(errnoOf(error))) looks.push(JSON.stringify([name, errnoOf(error)]));
    }
  }

  /** Watches the folder that is there now; none if `identity` is empty. */
  async #follow(identity: string): Promise<void> {
    if (identity === this.#watched || !this.#listener) return;
    const before = this.#watcher;
    this.#watched = identity;
    this.#watcher = identity === '' ? undefined : this.#open(await realpath(this.path));
    await before?.close();
  }

  /** @param root without links: a link that is watched tells nothing of what it leads to */
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
    // What changed before it was watched.
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
      `the system does not tell of all changes in the shared folder (${code}): they are found when it is looked through (--shared-poll)`,
    );
  }
}
