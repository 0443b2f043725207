import { closeSync, openSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { THREAD_LOST } from '../../src/adapters/disk/disk-errors.js';
import type { DiskPool } from '../../src/adapters/disk/disk-pool.js';
import { FdCache, type OpenMode } from '../../src/adapters/disk/fd-cache.js';
import { PrivateFolders } from '../../src/adapters/disk/private-folders.js';
import { FileStoreFactory } from '../../src/adapters/disk/store-factory.js';
import { TestFolder } from '../support/folder.js';
import { overriding } from '../support/overriding.js';
import type { StoreSite } from './contract.js';

/** While it is broken, writers get a file that cannot be synced. */
class BreakableCache extends FdCache {
  unsyncable: number | undefined;

  override with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
    if (this.unsyncable !== undefined && mode !== 'read') return use(this.unsyncable);
    return super.with(path, mode, use);
  }
}

/** A real folder, with the stores of the agent. */
export class DiskSite implements StoreSite {
  readonly folder: string;
  readonly stores: FileStoreFactory;
  readonly #fds = new BreakableCache(3);
  readonly #nothing = openSync('/dev/null', 'r+'); // /dev/null cannot be synced.
  #lostBlocks = 0;
  /** Time of the last change: a clock may be too coarse to distinguish two changes. */
  #seconds = 1_000_000;

  private constructor(
    private readonly outer: TestFolder,
    pool: DiskPool,
  ) {
    this.folder = outer.at('downloads');
    const losing = overriding(pool, {
      write: (job, data) => {
        if (this.#lostBlocks === 0) return pool.write(job, data);
        this.#lostBlocks -= 1;
        return Promise.reject(Object.assign(new Error('the thread ended'), { code: THREAD_LOST }));
      },
    });
    const privates = new PrivateFolders({ dataDir: outer.at('data'), downloadDir: this.folder });
    this.stores = new FileStoreFactory({ pool: losing, fds: this.#fds, privates }, 'a'.repeat(64));
  }

  static async make(pool: DiskPool): Promise<DiskSite> {
    const site = new DiskSite(await TestFolder.make(), pool);
    await mkdir(site.folder);
    return site;
  }

  list(): Promise<string[]> {
    return this.outer.tree('downloads');
  }

  bytesAt(path: string): Promise<Buffer> {
    return readFile(path);
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    // While another file of the name exists, it keeps its inode number: this one gets its own.
    const fresh = join(this.outer.path, 'fresh');
    await writeFile(fresh, bytes);
    await rename(fresh, path);
  }

  async overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
    const file = await open(path, 'r+');
    await file.write(bytes, 0, bytes.length, offset);
    await file.close();
    await this.touch(path);
  }

  async touch(path: string): Promise<void> {
    this.#seconds += 1;
    await utimes(path, this.#seconds, this.#seconds);
  }

  async cut(path: string, length: number): Promise<void> {
    await truncate(path, length);
  }

  async remove(path: string): Promise<void> {
    await stat(path);
    await rm(path, { recursive: true });
  }

  loseBlock(): void {
    this.#lostBlocks = 1;
  }

  breakSync(isBroken: boolean): void {
    this.#fds.unsyncable = isBroken ? this.#nothing : undefined;
  }

  async close(): Promise<void> {
    await this.#fds.close();
    closeSync(this.#nothing);
    await this.outer.remove();
  }
}
