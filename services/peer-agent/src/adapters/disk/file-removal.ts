import { lstat, opendir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import type { MetainfoFile } from '@enjambre/core/metainfo';
import { sortSteps, StepCount, type Steps } from '@enjambre/core/steps';
import { turns } from '@enjambre/common/async/turns';
import { errnoOf } from '@enjambre/common/system-error';
import {
  MAX_KEPT_PATHS,
  type DeletionRules,
  type Deletion,
  type KeptPath,
  type KeptReason,
} from '../../app/ports/piece-store.js';
import type { FileStamp } from '../../app/ports/sharing.js';
import type { Selection } from '../../domain/selection.js';
import { stampText } from './file-stamps.js';

export interface FileRemovalInit {
  /** Location of the content: the file itself, or the folder. */
  readonly root: string;
  readonly isFolder: boolean;
  readonly files: readonly MetainfoFile[];
  /** The files that may be deleted. */
  readonly selection: Pick<Selection, 'files'>;
  readonly rules: DeletionRules;
  /** Compares a file with the metainfo. Returns its stamp before the comparison; undefined if the content differs. */
  readonly compare: (file: number) => Promise<FileStamp | undefined>;
}

/**
 * Maximum number of comparisons: a stamp may change without the bytes, such as when a hard link to the file was just
 * removed.
 */
const COMPARISONS = 2;

/** Kind of the entry at a path: `other` is anything that does not belong there. A link is never followed. */
type Kind = 'missing' | 'file' | 'folder' | 'other';

/**
 * Deletes files of a transfer: only those that the metainfo names, at their paths, and then the folders that this
 * leaves empty. A link in the place of a file or folder leads to content outside the transfer: both the link and its
 * target are kept.
 */
export class FileRemoval {
  readonly #kinds = new Map<string, Promise<Kind>>();
  /** Folders from which something was deleted. */
  readonly #touched = new Set<string>();
  /** Links and the like found in the place of a folder: met once for each file below it. */
  readonly #replaced = new Set<string>();
  readonly #kept: KeptPath[] = [];
  #keptCount = 0;
  #deleted = 0;

  constructor(private readonly init: FileRemovalInit) {}

  async run(): Promise<Deletion> {
    for (const index of this.init.selection.files()) await this.#removeFile(index);
    const named = await turns.run(this.#names());
    // Innermost folders first.
    const folders = await turns.run(sortSteps([...this.#touched], (a, b) => b.length - a.length));
    for (const folder of folders) await this.#removeFolder(folder, named.get(folder) ?? new Set());
    return { deleted: this.#deleted, kept: this.#keptCount, paths: this.#kept };
  }

  async #removeFile(index: number): Promise<void> {
    const { folders, path } = this.#place(index);
    for (const folder of folders) {
      const kind = await this.#kindOf(folder);
      if (kind === 'folder') continue;
      if (kind !== 'missing') this.#keep(folder, 'replaced');
      return;
    }
    const kind = await kindOf(path);
    if (kind === 'missing') return;
    const reason = kind === 'file' ? await this.#tryToRemove(index, path) : 'replaced';
    if (reason !== undefined) {
      this.#keep(path, reason);
      return;
    }
    this.#deleted += 1;
    for (const folder of folders) this.#touched.add(folder);
  }

  /**
   * Returns why a file is kept, if it is. It is deleted only in the state that was compared: it may have been edited
   * since.
   */
  async #tryToRemove(index: number, path: string): Promise<KeptReason | undefined> {
    const { rules, compare } = this.init;
    if (!rules.isOwn(index)) return rules.notOwn;
    for (let attempt = 0; attempt < COMPARISONS && !rules.anyContent; attempt++) {
      const compared = await compare(index);
      if (!compared) return 'changed';
      const now = await lstat(path, { bigint: true });
      if (stampText(now) === stampText(compared)) break;
      if (attempt === COMPARISONS - 1) return 'changed';
    }
    await unlink(path);
    return undefined;
  }

  /** The path of a file, and the folders that lead to it, from the root. */
  #place(index: number): { folders: string[]; path: string } {
    const { root, isFolder, files } = this.init;
    const names = isFolder ? (files[index]?.path ?? []) : [];
    const folders = names.map((_, depth) => join(root, ...names.slice(0, depth)));
    return { folders, path: join(root, ...names) };
  }

  /** Names of the selected files, for each folder from which something was deleted. */
  *#names(): Steps<ReadonlyMap<string, ReadonlySet<string>>> {
    const named = new Map<string, Set<string>>();
    const step = new StepCount();
    for (const folder of this.#touched) {
      named.set(folder, new Set());
      if (step.isFull()) yield;
    }
    const { files, selection } = this.init;
    for (const index of selection.files()) {
      const { path = [] } = files[index] ?? {};
      const { folders } = this.#place(index);
      for (const [depth, folder] of folders.entries()) named.get(folder)?.add(path[depth] ?? '');
      if (step.isFull()) yield;
    }
    return named;
  }

  /** Removes a folder if it is empty; otherwise records the entries that are not part of the transfer. */
  async #removeFolder(folder: string, named: ReadonlySet<string>): Promise<void> {
    try {
      await rmdir(folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error))) throw error;
      for await (const { name } of await opendir(folder))
        if (!named.has(name)) this.#keep(join(folder, name), 'foreign');
    }
  }

  #kindOf(folder: string): Promise<Kind> {
    const known = this.#kinds.get(folder) ?? kindOf(folder);
    this.#kinds.set(folder, known);
    return known;
  }

  #keep(path: string, reason: KeptReason): void {
    if (reason === 'replaced' && this.#replaced.has(path)) return;
    if (reason === 'replaced') this.#replaced.add(path);
    this.#keptCount += 1;
    if (this.#kept.length < MAX_KEPT_PATHS) this.#kept.push({ path, reason });
  }
}

async function kindOf(path: string): Promise<Kind> {
  let stats: Stats;
  try {
    stats = await lstat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return 'missing';
    throw error;
  }
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
}
