import { randomBytes } from 'node:crypto';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { parseAddress } from '@enjambre/common/config/address';
import { EnjambreError, messageOf } from '@enjambre/core/error';

const LOCK_FILE = 'agent.lock';
const ANSWER_MS = 2000;

/**
 * Keeps a second agent off a data folder. The lock is a socket that its owner listens
 * on: it is gone with the process however that ends, needs no waiting for a time to run
 * out, and works between containers that share the folder. It gets its name by a link,
 * which only one of several that start in the same instant can make.
 */
export class FolderLock {
  readonly #path: string;
  /** Where the socket is made, no longer than its final name: the system takes only short ones. */
  readonly #ownPath: string;
  #server: Server | undefined;

  constructor(private readonly folder: string) {
    this.#path = join(folder, LOCK_FILE);
    this.#ownPath = join(
      folder,
      `.${randomBytes(8)
        .toString('hex')
        .slice(1 - LOCK_FILE.length)}`,
    );
  }

  /** Throws `precondition` DATA_DIR_IN_USE or DATA_DIR_UNUSABLE, `invalid` SOCKET_PATH_TOO_LONG. */
  async acquire(): Promise<void> {
    parseAddress(`unix:${this.#path}`);
    try {
      this.#server = await this.#listen();
      while (!(await this.#claim())) await this.#removeStale();
    } catch (error) {
      await this.#close();
      throw error instanceof EnjambreError ? error : this.#unusable(error);
    } finally {
      await unlink(this.#ownPath).catch(() => undefined);
    }
  }

  async release(): Promise<void> {
    if (!this.#server) return;
    await unlink(this.#path).catch(() => undefined);
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end();
      });
      server.on('error', reject);
      server.listen(this.#ownPath, () => {
        server.unref();
        resolve(server);
      });
    });
  }

  /** True if the lock is ours now, false if its name is taken. */
  async #claim(): Promise<boolean> {
    try {
      await link(this.#ownPath, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  /** Removes the lock of a process that is gone. Throws DATA_DIR_IN_USE if it is not. */
  async #removeStale(): Promise<void> {
    const aside = `${this.#ownPath}.stale`;
    try {
      const { ino } = await lstat(this.#path);
      if (await this.#isHeld()) throw this.#inUse();
      await rename(this.#path, aside);
      const live = (await lstat(aside)).ino !== ino;
      // Another that started in the same instant was faster: what was moved is its lock.
      if (live) await link(aside, this.#path);
      await unlink(aside);
      if (live) throw this.#inUse();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** True if a process listens behind the lock, or is too busy to say so. */
  #isHeld(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection(this.#path);
      const say = (held: boolean): void => {
        socket.destroy();
        resolve(held);
      };
      socket.setTimeout(ANSWER_MS, () => say(true));
      socket.on('connect', () => say(true));
      socket.on('error', () => say(false));
    });
  }

  #inUse(): EnjambreError {
    return new EnjambreError(
      'precondition',
      'DATA_DIR_IN_USE',
      `another agent works on ${this.folder}: stop it, or choose another folder with --data-dir`,
    );
  }

  #unusable(cause: unknown): EnjambreError {
    const text = `cannot lock ${this.folder}: ${messageOf(cause)}`;
    return new EnjambreError('precondition', 'DATA_DIR_UNUSABLE', text, { cause });
  }
}
