import { randomBytes } from 'node:crypto';
import type { DiskFiles } from './disk-files.js';
import { isThere, moveOver } from './move-new.js';

const SUFFIX_BYTES = 4;

/**
 * What a download replaces and is not simply overwritten, between the moment when it is moved aside and its deletion. It has one place for
 * each download, so that one that a crash left behind is found again.
 */
export class ReplacedEntry {
  readonly #path: string;

  /** @param stage the folder in which the download was assembled */
  constructor(
    stage: string,
    private readonly files: DiskFiles,
  ) {
    this.#path = `${stage}.old`;
  }

  /** See {@link moveOver}. */
  async moveOver(from: string, to: string, keeps: boolean): Promise<void> {
    await this.restore(to);
    await moveOver(from, to, { aside: this.#path, keeps, files: this.files });
  }

  /**
   * Deletes what `remove` deletes of it, and moves the rest to a name beside the target. Returns a sentence on the rest;
   * empty if there is none.
   */
  async discard(target: string, remove: (path: string) => Promise<void>): Promise<string> {
    if (!(await isThere(this.#path))) return '';
    await remove(this.#path);
    const kept = await this.restore(target);
    return kept === '' ? '' : `what was in its place and is not of the old version is now ${kept}`;
  }

  /** Moves it out of the agent's own folder, if it is there; returns its path, else an empty text. */
  async restore(target: string): Promise<string> {
    if (!(await isThere(this.#path))) return '';
    const path = `${target}.old-${randomBytes(SUFFIX_BYTES).toString('hex')}`;
    await this.files.rename(this.#path, path);
    return path;
  }
}
