import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import {
  RESERVED_NAME,
  type Named,
  type Place,
  type PlaceRelation,
  type StoreFactory,
} from '../../app/ports/store-factory.js';
import type { PieceStore } from '../../app/ports/piece-store.js';
import type { Selection } from '../../domain/selection.js';
import { diskError, folderSilent } from './disk-errors.js';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';
import { roomIn } from './disk-room.js';
import { FolderLooks } from './folder-looks.js';
import { makeFolder } from './make-folder.js';
import { studyNames } from './name-study.js';
import { rehearse } from './rehearsal.js';
import { Places } from './places.js';
import { Probes } from './probes.js';
import { makeStage } from './stage-folder.js';
import { isThere, moveNew, removeEmpty } from './move-new.js';
import { FileStore, type FileStoreComponents } from './file-store.js';
import type { PrivateFolders } from './private-folders.js';

/** Digits of the owner's id in folder names. */
const OWNER_DIGITS = 16;
const SILENT_MS = 5000;

export interface FileStoreFactoryComponents extends FileStoreComponents {
  /** Folders that downloads must not be written to. */
  readonly privates: PrivateFolders;
  /** Timeout for a file system to report where a folder is and how much room it has. @default 5000 */
  readonly silentMs?: number;
}

/** Creates the stores of transfers on this machine's file systems. */
export class FileStoreFactory implements StoreFactory {
  readonly #owner: string;
  readonly #probes: Probes;
  readonly #places: Places;
  readonly #rooms: FolderLooks<Awaited<ReturnType<typeof roomIn>>>;

  /** @param owner owner of the downloads: agents that share a folder do not share its downloads in progress */
  constructor(
    private readonly components: FileStoreFactoryComponents,
    owner: string,
  ) {
    this.#owner = owner.slice(0, OWNER_DIGITS);
    this.#probes = new Probes(this.#owner, this.#files);
    const waitMs = components.silentMs ?? SILENT_MS;
    this.#places = new Places({ files: this.#files, probes: this.#probes }, { waitMs });
    this.#rooms = new FolderLooks((folder) => roomIn(folder, this.#files), { waitMs, keepMs: 0 });
  }

  original(metainfo: Metainfo, path: string): PieceStore {
    return new FileStore(this.components, { metainfo, path });
  }

  download(metainfo: Metainfo, folder: string, inPlace: boolean, selection?: Selection): PieceStore {
    const target = join(folder, metainfo.name);
    const assembled = this.#incompletePath(folder, metainfo);
    const path = inPlace ? target : assembled;
    const stage = dirname(assembled);
    return new FileStore(this.components, { metainfo, path, target, stage, ...(selection && { selection }) });
  }

  async checkTarget(folder: string, name: string, size?: number, replaces = false): Promise<boolean> {
    if (name === RESERVED_NAME) throw reservedName();
    await this.components.privates.checkWritable(folder);
    try {
      await makeFolder(folder);
      await access(folder, constants.W_OK | constants.X_OK);
      const path = join(folder, name);
      if (name === '') return false;
      if (!(await isThere(path))) return true;
      if (replaces) {
        await this.components.privates.checkReplaceable(path);
        return true;
      }
      const isSame = size !== undefined && (await couldHold(path, size));
      if (!isSame) throw pathExists(path);
      return false;
    } catch (error) {
      throw badTarget(error, folder);
    }
  }

  async rehearse(content: Named, folder: string): Promise<void> {
    const names = await studyNames(content, this.#incompletePath(folder, content));
    const largest = content.files.reduce((most, { length }) => Math.max(most, length), 0);
    await rehearse({ folder, isFolder: content.isFolder, largest, ...names }, this.#files, this.#probes);
  }

  /** Removes what probes of killed processes left in a folder. */
  sweep(folder: string): Promise<void> {
    return this.#probes.sweep(folder);
  }

  async room(folder: string): ReturnType<StoreFactory['room']> {
    const look = await this.#rooms.at(folder);
    if (!look) throw folderSilent(folder);
    return look.found;
  }

  async moveDownload(metainfo: Metainfo, from: string, to: string): Promise<void> {
    const [old, path] = [from, to].map((folder) => this.#incompletePath(folder, metainfo)) as [
      string,
      string,
    ];
    try {
      if (await isThere(old)) {
        await makeStage(dirname(path));
        // A file is linked to its new name before the old one is removed: after a crash it may have both.
        if (await isSameFile(old, path)) await this.#files.unlink(old);
        else await moveNew(old, path, this.#files);
      }
      await removeEmpty(dirname(old));
    } catch (error) {
      throw errnoOf(error) === 'EXDEV' ? otherDisk(metainfo.name, from, to) : diskError(error, path);
    }
  }

  realFolder(folder: string): Promise<string> {
    return this.#places.realFolder(folder);
  }

  relate(place: Place, other: Place): Promise<PlaceRelation> {
    return this.#places.relate(place, other);
  }

  get #files(): DiskFiles {
    return this.components.files ?? SYSTEM_FILES;
  }

  #incompletePath(folder: string, { infohash, name }: Pick<Metainfo, 'infohash' | 'name'>): string {
    return join(folder, RESERVED_NAME, `${infohash}-${this.#owner}`, name);
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const look = (path: string): ReturnType<typeof lstat> => lstat(path, { bigint: true });
  const [one, two] = await Promise.all([a, b].map((path) => look(path).catch(() => undefined)));
  return one !== undefined && two !== undefined && one.isFile() && one.dev === two.dev && one.ino === two.ino;
}

async function couldHold(path: string, size: number): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isDirectory() || (stats.isFile() && stats.size === size);
}

function pathExists(path: string): EnjambreError {
  const message = `${path} already exists: move it away, or choose another folder`;
  return new EnjambreError('already-exists', 'PATH_EXISTS', message, { metadata: { setting: 'outputDir' } });
}

function otherDisk(name: string, from: string, to: string): EnjambreError {
  const message = `the partial download of ${name} is in ${from}, and ${to} is on another file system: resume it where it is, or remove it first`;
  return new EnjambreError('precondition', 'ELSEWHERE', message, { metadata: { remedy: 'remove' } });
}

function reservedName(): EnjambreError {
  const message = `"${RESERVED_NAME}" is reserved for downloads in progress: content of that name cannot be downloaded`;
  return new EnjambreError('invalid', 'BAD_NAME', message);
}

/** The folder may be requested, or belong to a transfer: the remedy is the same. */
function badTarget(error: unknown, folder: string): EnjambreError {
  const known = diskError(error, folder, 'other');
  const remedy = 'fix that, or choose another folder';
  const details = { cause: error, metadata: { setting: 'outputDir' } };
  if (known.code === 'denied') {
    const message = `the agent cannot write to ${folder}: ${remedy}`;
    return new EnjambreError('denied', 'PATH_NOT_WRITABLE', message, details);
  }
  if (!['ENOENT', 'ENOTDIR', 'EEXIST'].includes(errnoOf(error))) return known;
  const message = `cannot create the folder ${folder} (${systemErrorText(error)}): ${remedy}`;
  return new EnjambreError(known.code, known.reason, message, details);
}
