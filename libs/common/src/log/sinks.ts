import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { errnoOf } from '../system-error.js';
import type { Sink } from './bounded-log.js';

/** Time that process exit waits for the reader of a pipe, terminal or socket. */
const READER_TIMEOUT_MS = 1000;
/** The same for a file or device: a network disk may be slow, and accepts all lines in the end. */
const FILE_TIMEOUT_MS = 5000;
/** Time that process exit waits for room in a full pipe. */
const LAST_WAIT_MS = 200;
const LAST_POLL_MS = 5;

/** A non-blocking sink for a standard stream of any kind. */
export function openSink(fd: number): Sink {
  const { isPipe, isSocket } = kindOf(fd);
  const own = isPipe || isatty(fd) ? reopened(fd) : undefined;
  if (own !== undefined) return new NonBlockingSink(own);
  return isPipe || isSocket ? new SocketSink(fd) : new FileSink(fd);
}

function kindOf(fd: number): { isPipe: boolean; isSocket: boolean } {
  const stat = fstatSync(fd);
  return { isPipe: stat.isFIFO(), isSocket: stat.isSocket() };
}

/**
 * Opens the same pipe or terminal again: setting the new descriptor to non-blocking does not affect others
 * that share the stream. Undefined if the system refuses, as after a change of user.
 */
function reopened(fd: number): number | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** A pipe or terminal whose descriptor does not block. */
class NonBlockingSink implements Sink {
  readonly endTimeoutMs = READER_TIMEOUT_MS;

  constructor(private readonly fd: number) {}

  write(bytes: Buffer, done: (error: unknown, taken: number) => void): void {
    let taken: number;
    try {
      taken = writeSync(this.fd, bytes);
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') return done(undefined, 0);
      return done(error, 0);
    }
    done(undefined, taken);
  }

  writeNow(bytes: Buffer): number {
    return writeAll(this.fd, bytes, LAST_WAIT_MS);
  }

  /** No call is ever pending. */
  abandon(): boolean {
    return true;
  }
}

/** A file or device: written by a thread, because a disk may be slow. */
class FileSink implements Sink {
  readonly endTimeoutMs = FILE_TIMEOUT_MS;
  #busy = false;

  constructor(private readonly fd: number) {}

  write(bytes: Buffer, done: (error: unknown, taken: number) => void): void {
    this.#busy = true;
    write(this.fd, bytes, (error, taken) => {
      this.#busy = false;
      done(error ?? undefined, taken);
    });
  }

  writeNow(bytes: Buffer): number {
    // A synchronous write would wait behind the thread, perhaps forever.
    return this.#busy ? 0 : writeAll(this.fd, bytes, 0);
  }

  /**
   * Node's exit waits for its threads, and a thread blocked by a terminal or a network disk cannot be
   * interrupted.
   */
  abandon(): boolean {
    return !this.#busy;
  }
}

/** A socket, such as that of the systemd journal. */
class SocketSink implements Sink {
  readonly endTimeoutMs = READER_TIMEOUT_MS;
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.unref();
    // Each write receives the error.
    this.#socket.on('error', () => undefined);
  }

  write(bytes: Buffer, done: (error: unknown, taken: number) => void): void {
    this.#socket.write(bytes, (error) => done(error ?? undefined, error ? 0 : bytes.length));
  }

  writeNow(bytes: Buffer): number {
    this.#socket.write(bytes);
    return bytes.length - this.#socket.writableLength;
  }

  abandon(): boolean {
    this.#socket.destroy();
    return true;
  }
}

function writeAll(fd: number, bytes: Buffer, patienceMs: number): number {
  const endMs = performance.now() + patienceMs;
  let taken = 0;
  while (taken < bytes.length) {
    try {
      taken += writeSync(fd, bytes.subarray(taken));
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN' || performance.now() >= endMs) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_POLL_MS);
    }
  }
  return taken;
}
