import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import { MAX_FILES } from '@enjambre/core/metainfo';
import type pLimit from 'p-limit';
import type { LinkPolicy } from '../../app/ports/sharing.js';
import { decodeEntryName } from './entry-name.js';
import { stampText } from './file-stamps.js';

export const GONE = ['ENOENT', 'ENOTDIR'];

export interface FolderLookInit {
  readonly ignores: (name: string) => boolean;
  readonly links: LinkPolicy;
  /** The real path of the folder that links may lead into. */
  readonly boundary: string;
  readonly limit: ReturnType<typeof pLimit>;
}

interface Spot {
  readonly path: string;
  readonly name: string;
  /** Folders above it, by device and inode: a link to one of them is not followed. */
  readonly above: readonly string[];
}

/** The state of a folder entry, a file or a folder with everything in it: a text that changes when any of it does. */
export class FolderLook {
  readonly #looks: string[] = [];

  constructor(private readonly init: FolderLookInit) {}

  /** Undefined if the entry does not exist. */
  async at(path: string, name: string): Promise<string | undefined> {
    await this.#walk({ path, name, above: [] });
    if (this.#looks.length === 0) return undefined;
    const hash = createHash('sha256');
    for (const look of this.#looks.sort()) hash.update(`${look}\n`);
    return hash.digest('hex');
  }

  /** Adds a line for the entry at a spot, and for everything in it. Entries that vanish meanwhile are ignored. */
  async #walk(spot: Spot): Promise<void> {
    const { path, name } = spot;
    // The maximum size of a share: links to folders of links could go on forever.
    if (this.#looks.length > MAX_FILES) return;
    try {
      const stats = await this.init.limit(() => lstat(path, { bigint: true }));
      if (stats.isDirectory()) {
        await this.#folder(spot, stats);
        return;
      }
      this.#looks.push(JSON.stringify([name, String(stats.mode), stampText(stats)]));
      if (stats.isSymbolicLink() && this.init.links !== 'skip') await this.#link(spot);
    } catch (error) {
      // Sharing the entry will report the problem.
      if (!GONE.includes(errnoOf(error))) this.#looks.push(JSON.stringify([name, errnoOf(error)]));
    }
  }

  async #folder(spot: Spot, stats: { mode: bigint; dev: bigint; ino: bigint }): Promise<void> {
    const { path, name } = spot;
    this.#looks.push(JSON.stringify([name, String(stats.mode)]));
    const key = `${stats.dev}:${stats.ino}`;
    if (spot.above.includes(key)) return;
    const above = [...spot.above, key];
    const entries = await this.init.limit(() => readdir(path, { encoding: 'buffer' }));
    const names = entries.map(decodeEntryName).filter(({ shown }) => !this.init.ignores(shown));
    await Promise.all(
      names.map(async ({ shown, isUtf8 }) => {
        const inner = `${name}/${shown}`;
        if (isUtf8) await this.#walk({ path: join(path, shown), name: inner, above });
        else this.#looks.push(JSON.stringify([inner, 'not UTF-8']));
      }),
    );
  }

  async #link({ path, name, above }: Spot): Promise<void> {
    const { links, boundary, limit } = this.init;
    const real = await limit(() => realpath(path));
    const way = relative(boundary, real);
    if (links === 'inside' && (way === '..' || way.startsWith(`..${sep}`))) return;
    const stats = await limit(() => stat(real, { bigint: true }));
    if (stats.isDirectory()) await this.#folder({ path: real, name: `${name}/`, above }, stats);
    else this.#looks.push(JSON.stringify([name, 'to', String(stats.mode), stampText(stats)]));
  }
}
