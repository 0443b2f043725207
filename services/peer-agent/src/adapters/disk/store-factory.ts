import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceStore, StoreFactory } from '../../app/ports.js';
import { diskError } from './disk-errors.js';
import { makeFolder } from './make-folder.js';
import { exists, FileStore, pathExists, type FileStoreComponents } from './file-store.js';

/** Downloads are assembled here, inside the folder they go to, so that the last step is a rename. */
const INCOMPLETE = '.incomplete';

/** Makes the stores of transfers on this machine's file systems. */
export class FileStoreFactory implements StoreFactory {
  constructor(private readonly components: FileStoreComponents) {}

  original(metainfo: Metainfo, path: string): PieceStore {
    return new FileStore(this.components, { metainfo, path });
  }

  download(metainfo: Metainfo, folder: string, inPlace: boolean): PieceStore {
    const target = join(folder, metainfo.name);
    const path = inPlace ? target : incompletePath(folder, metainfo.infohash, metainfo.name);
    return new FileStore(this.components, { metainfo, path, target });
  }

  async checkTarget(folder: string, name: string | undefined): Promise<void> {
    try {
      await makeFolder(folder);
      await access(folder, constants.W_OK | constants.X_OK);
      if (name !== undefined && (await exists(join(folder, name)))) throw pathExists(join(folder, name));
    } catch (error) {
      throw badTarget(error, folder);
    }
  }
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

function incompletePath(folder: string, infohash: InfoHash, name: string): string {
  return join(folder, INCOMPLETE, infohash, name);
}
