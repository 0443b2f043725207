import { dirname } from 'node:path';
import { describe } from '@jest/globals';
import { MemoryDisk, overwrite, resize, type MemoryFile } from '../support/memory-disk.js';
import { MemoryStores } from '../support/memory-piece-store.js';
import { pieceStoreContract, type StoreSite } from './contract.js';

const FOLDER = '/downloads';

function memorySite(): StoreSite {
  const disk = new MemoryDisk();
  const stores = new MemoryStores(disk);
  disk.makeFolder(FOLDER);
  const fileAt = (path: string): Promise<MemoryFile> => {
    const file = disk.fileAt(path);
    return file ? Promise.resolve(file) : Promise.reject(new Error(`no file is at ${path}`));
  };
  return {
    stores,
    folder: FOLDER,
    list: () =>
      Promise.resolve(
        disk
          .below(FOLDER)
          .map((path) => path.slice(FOLDER.length + 1) + (disk.at(path)?.kind === 'folder' ? '/' : ''))
          .sort(),
      ),
    bytesAt: async (path) => Buffer.from((await fileAt(path)).bytes),
    put: (path, bytes) => {
      disk.makeFolder(dirname(path));
      disk.put(path, Buffer.from(bytes));
      return Promise.resolve();
    },
    overwrite: async (path, offset, bytes) => overwrite(await fileAt(path), offset, bytes),
    touch: async (path) => {
      (await fileAt(path)).version += 1;
    },
    cut: async (path, length) => resize(await fileAt(path), length),
    remove: (path) => {
      disk.remove(path);
      return Promise.resolve();
    },
    loseBlock: () => (stores.faults.lostBlocks = 1),
    breakSync: (isBroken) => (stores.faults.failsSync = isBroken),
    close: () => Promise.resolve(),
  };
}

describe('in memory', () => {
  pieceStoreContract(() => Promise.resolve(memorySite()));
});
