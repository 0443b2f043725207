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
 * Keeps a second agent off a data folder. The lock is a socket on which its owner listens: it disappears with the
 * process however that ends, needs no timeout, and works between containers that share the folder. It gets its name by
 * a hard link, which only one of several agents that start simultaneously can create.
 */
export class FolderLock {
  readonly #path: string;
  /** Where the socket is created; no longer than its final name, since the system accepts only short paths. */
  readonly #ownPath: string;
  /** Held while a stale lock is being removed. */
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

  /** Removes the lock of a process that is gone. Throws DATA_DIR_IN_USE if the process is alive. */
  async #removeStale(): Promise<void> {
    if ((await stateOf(this.#path)) === 'held') throw this.#inUse();
    // One at a time: the name that was found stale may be another agent's lock a moment later.
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
      `another agent is using ${this.folder}: stop it, or choose another folder`,
      { metadata: { setting: 'dataDir' } },
    );
  }
}

/** Gives a file a second name. False if that name is taken. */
async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether a process listens on a socket, even if too busy to answer; a file that is not a socket is stale. */
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
