import { randomBytes } from 'node:crypto';
import type { DiskFiles } from './disk-files.js';
import { isThere, moveNew, moveOver } from './move-new.js';

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

  /** See {@link moveOver}. Returns a sentence on what a crash had left aside, as {@link discard} does. */
  async moveOver(from: string, to: string, keeps: boolean): Promise<string> {
    const kept = (await this.#isSecondName(to)) ? await this.#unlink() : await this.release(to);
    await moveOver(from, to, { aside: this.#path, keeps, files: this.files });
    return kept === '' || kept === to ? '' : sentenceOf(kept);
  }

  /**
   * Deletes what `remove` deletes of it, and moves the rest to a name beside the target. Returns a sentence on the rest;
   * empty if there is none.
   */
  async discard(target: string, remove: (path: string) => Promise<void>): Promise<string> {
    if (!(await isThere(this.#path))) return '';
    await remove(this.#path);
    const kept = await this.release(target);
    return kept === '' ? '' : sentenceOf(kept);
  }

  /**
   * After a crash between the two moves, gives it its name back. Otherwise the new content has the name, and what is aside
   * waits to be discarded.
   */
  async putBack(target: string): Promise<void> {
    if ((await isThere(this.#path)) && !(await isThere(target)))
      await moveNew(this.#path, target, this.files);
  }

  /**
   * Moves it out of the agent's own folder, if it is there: to its name if nothing has it, otherwise to a name beside it.
   * Returns its path, else an empty text.
   */
  async release(target: string): Promise<string> {
    if (!(await isThere(this.#path))) return '';
    const isFree = !(await isThere(target));
    const path = isFree ? target : `${target}.old-${randomBytes(SUFFIX_BYTES).toString('hex')}`;
    await moveNew(this.#path, path, this.files);
    return path;
  }

  /** True if a crash came after a file got a second name, and before it was replaced. */
  async #isSecondName(target: string): Promise<boolean> {
    if (!(await isThere(this.#path)) || !(await isThere(target))) return false;
    const [one, other] = await Promise.all([this.#path, target].map((path) => this.files.lstat(path)));
    return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
  }

  async #unlink(): Promise<string> {
    await this.files.unlink(this.#path);
    return '';
  }
}

function sentenceOf(kept: string): string {
  return `what was in its place and is not of the old version is now ${kept}`;
}
