import { randomBytes } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { EnjambreError, messageOf } from '@enjambre/core/error';

const LOCK_FILE = 'agent.lock';
const ANSWER_MS = 2000;

/**
 * Keeps a second agent off a data folder. The lock is a socket that its owner listens
 * on: it is gone with the process however that ends, needs no waiting for a time to run
 * out, and works between containers that share the folder.
 */
export class FolderLock {
  readonly #path: string;
  readonly #token = randomBytes(16).toString('hex');
  #server: Server | undefined;

  constructor(private readonly folder: string) {
    this.#path = join(folder, LOCK_FILE);
  }

  /** Throws `precondition`, DATA_DIR_IN_USE. */
  async acquire(): Promise<void> {
    if ((await this.#holder()) !== undefined) throw this.#inUse();
    await unlink(this.#path).catch(() => undefined);
    try {
      this.#server = await this.#listen();
    } catch (error) {
      throw new EnjambreError(
        'precondition',
        'DATA_DIR_UNUSABLE',
        `cannot lock ${this.folder}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    // Two that start in the same instant both get here; the path belongs to the later one.
    if ((await this.#holder()) !== this.#token) {
      this.#server.close();
      throw this.#inUse();
    }
  }

  async release(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(this.#token);
      });
      server.on('error', reject);
      server.listen(this.#path, () => {
        server.unref();
        resolve(server);
      });
    });
  }

  /** What the process behind the lock says; undefined if there is none. */
  #holder(): Promise<string | undefined> {
    return new Promise((resolve) => {
      let said = '';
      const socket = createConnection(this.#path);
      socket.setTimeout(ANSWER_MS, () => {
        socket.destroy();
        resolve(said);
      });
      socket.on('data', (chunk) => (said += chunk.toString('latin1')));
      socket.on('end', () => resolve(said));
      socket.on('error', () => resolve(undefined));
    });
  }

  #inUse(): EnjambreError {
    return new EnjambreError(
      'precondition',
      'DATA_DIR_IN_USE',
      `another agent works on ${this.folder}: stop it, or choose another folder with --data-dir`,
    );
  }
}
