import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { RESERVED_NAME, type PieceStore, type StoreFactory } from '../../app/ports.js';
import { diskError } from './disk-errors.js';
import { makeFolder } from './make-folder.js';
import { exists, FileStore, pathExists, type FileStoreComponents } from './file-store.js';

/** Of the owner's id, in names of folders. */
const OWNER_DIGITS = 16;

/** Makes the stores of transfers on this machine's file systems. */
export class FileStoreFactory implements StoreFactory {
  /** @param owner whose downloads they are: agents that share a folder do not share what is under way in it */
  constructor(
    private readonly components: FileStoreComponents,
    private readonly owner: string,
  ) {}

  original(metainfo: Metainfo, path: string): PieceStore {
    return new FileStore(this.components, { metainfo, path });
  }

  download(metainfo: Metainfo, folder: string, inPlace: boolean): PieceStore {
    const target = join(folder, metainfo.name);
    const path = inPlace ? target : this.#incompletePath(folder, metainfo);
    return new FileStore(this.components, { metainfo, path, target });
  }

  async checkTarget(folder: string, name: string, size?: number): Promise<void> {
    if (name === RESERVED_NAME) throw reservedName();
    try {
      await makeFolder(folder);
      await access(folder, constants.W_OK | constants.X_OK);
      const path = join(folder, name);
      if (name === '' || !(await exists(path))) return;
      const isSame = size !== undefined && (await couldHold(path, size));
      if (!isSame) throw pathExists(path);
    } catch (error) {
      throw badTarget(error, folder);
    }
  }

  #incompletePath(folder: string, { infohash, name }: Metainfo): string {
    return join(folder, RESERVED_NAME, `${infohash}-${this.owner.slice(0, OWNER_DIGITS)}`, name);
  }
}

async function couldHold(path: string, size: number): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isDirectory() || (stats.isFile() && stats.size === size);
}

function reservedName(): EnjambreError {
  const message = `"${RESERVED_NAME}" is the name of the folder for downloads under way: it can't be downloaded`;
  return new EnjambreError('invalid', 'BAD_NAME', message);
}

/** It may be asked for, or be that of a transfer: the remedy is the same. */
function badTarget(error: unknown, folder: string): EnjambreError {
  const known = diskError(error, folder, 'other');
  const remedy = 'mend that, or choose another folder with --output';
  if (known.code === 'denied') {
    const message = `the agent may not write to ${folder}: ${remedy}`;
    return new EnjambreError('denied', 'PATH_NOT_WRITABLE', message, { cause: error });
  }
  if (!['ENOENT', 'ENOTDIR', 'EEXIST'].includes(errnoOf(error))) return known;
  const message = `no folder ${folder} can be made (${systemErrorText(error)}): ${remedy}`;
  return new EnjambreError(known.code, known.reason, message, { cause: error });
}
