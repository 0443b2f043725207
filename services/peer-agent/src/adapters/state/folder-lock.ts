import { randomBytes } from 'node:crypto';
import { link, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { parseAddress } from '@enjambre/common/config/address';
import { EnjambreError } from '@enjambre/core/error';
import { badDataFolder } from './data-folder-error.js';

const LOCK_FILE = 'agent.lock';
const GUARD_FILE = 'agent.take';
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
  /** Whoever removes a stale lock holds this. */
  readonly #guardPath: string;
  #server: Server | undefined;

  constructor(private readonly folder: string) {
    this.#path = join(folder, LOCK_FILE);
    this.#guardPath = join(folder, GUARD_FILE);
    const random = randomBytes(LOCK_FILE.length).toString('hex');
    this.#ownPath = join(folder, `.${random.slice(1, LOCK_FILE.length)}`);
  }

  /** Throws `precondition` DATA_DIR_IN_USE or DATA_DIR_UNUSABLE, `invalid` SOCKET_PATH_TOO_LONG. */
  async acquire(): Promise<void> {
    parseAddress(`unix:${this.#path}`);
    try {
      this.#server = await this.#listen();
      while (!(await linked(this.#ownPath, this.#path))) await this.#removeStale();
    } catch (error) {
      await this.#close();
      throw badDataFolder(error, this.folder);
    } finally {
      await remove(this.#ownPath).catch(() => undefined);
    }
  }

  async release(): Promise<void> {
    if (!this.#server) return;
    await remove(this.#path).catch(() => undefined);
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

  /** Removes the lock of a process that is gone. Throws DATA_DIR_IN_USE if it is not. */
  async #removeStale(): Promise<void> {
    if ((await stateOf(this.#path)) === 'held') throw this.#inUse();
    // One at a time: the name that was found stale may be another's lock a moment later.
    if (await linked(this.#ownPath, this.#guardPath)) {
      if ((await stateOf(this.#path)) === 'stale') await remove(this.#path);
      return remove(this.#guardPath);
    }
    const guard = await stateOf(this.#guardPath);
    if (guard === 'held') throw this.#inUse();
    if (guard === 'stale') await remove(this.#guardPath);
  }

  #inUse(): EnjambreError {
    return new EnjambreError(
      'precondition',
      'DATA_DIR_IN_USE',
      `another agent works on ${this.folder}: stop it, or choose another folder`,
      { metadata: { setting: 'dataDir' } },
    );
  }
}

/** Gives a file a second name. False if that is taken. */
async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether a process listens on a socket, maybe too busy to answer; a file that is no socket is stale. */
function stateOf(path: string): Promise<'held' | 'stale' | 'gone'> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const say = (state: 'held' | 'stale' | 'gone'): void => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(ANSWER_MS, () => say('held'));
    socket.on('connect', () => say('held'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ENOENT') say('gone');
      else say(code === 'ECONNREFUSED' || code === 'ENOTSOCK' ? 'stale' : 'held');
    });
  });
}

function remove(path: string): Promise<void> {
  return rm(path, { force: true });
}
