import type { Dialer } from '@enjambre/rpc/dialer';
import { keyOf, type DialTarget } from './dial-gate.js';
import { UploaderConnections } from './uploader-connections.js';

/**
 * How long the connections to an uploader stay open after their last use, in milliseconds: small files come one after
 * the other, and an uploader accepts only so many new connections per second from one address.
 */
const IDLE_MS = 5000;
/** Unused uploaders whose connections stay open; the longest unused is closed first. */
const MAX_IDLE = 100;

/** A peer that is dialed at one address, while it is used and shortly after. */
export interface Uploader {
  readonly to: DialTarget;
  readonly connections: UploaderConnections;
  users: number;
  /** It has answered. The connections to one that has not are closed at once. */
  answered: boolean;
}

/** The uploaders in use: links and requests for metainfo of the same peer and address share connections. */
export class Uploaders {
  readonly #current = new Map<string, Uploader>();
  /** In the order in which they became unused. */
  readonly #idle = new Map<Uploader, NodeJS.Timeout>();
  #isClosed = false;

  /** @param memoryFor allocates memory for the bytes of a block */
  constructor(
    private readonly dialer: Dialer,
    private readonly memoryFor: (bytes: number) => Buffer,
  ) {}

  /** The caller releases it. */
  acquire(to: DialTarget): Uploader {
    let uploader = this.#current.get(keyOf(to));
    if (!uploader) {
      const connections = new UploaderConnections(this.dialer, to, this.memoryFor);
      uploader = { to, connections, users: 0, answered: false };
      this.#current.set(keyOf(to), uploader);
    }
    clearTimeout(this.#idle.get(uploader));
    this.#idle.delete(uploader);
    uploader.users += 1;
    return uploader;
  }

  release(uploader: Uploader): void {
    uploader.users -= 1;
    if (uploader.users > 0) return;
    const isCurrent = this.#current.get(keyOf(uploader.to)) === uploader;
    if (this.#isClosed || !uploader.answered || !isCurrent) return this.#end(uploader);
    const timer = setTimeout(() => this.#end(uploader), IDLE_MS).unref();
    this.#idle.set(uploader, timer);
    const [oldest] = this.#idle.keys();
    if (this.#idle.size > MAX_IDLE && oldest) this.#end(oldest);
  }

  /** Later users get new connections. */
  retire(uploader: Uploader): void {
    const key = keyOf(uploader.to);
    if (this.#current.get(key) === uploader) this.#current.delete(key);
  }

  /** Closes the connections that are not used, and the others once they are not. */
  close(): void {
    this.#isClosed = true;
    for (const uploader of [...this.#idle.keys()]) this.#end(uploader);
  }

  #end(uploader: Uploader): void {
    clearTimeout(this.#idle.get(uploader));
    this.#idle.delete(uploader);
    this.retire(uploader);
    uploader.connections.close();
  }
}
