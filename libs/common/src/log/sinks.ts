import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { errnoOf } from '../system-error.js';
import type { Sink } from './bounded-log.js';

/** How long the end of a process waits for the reader of a pipe, terminal or socket. */
const READER_TIMEOUT_MS = 1000;
/** The same for a file or device: a disk of the network may be slow, and what it takes is not lost. */
const FILE_TIMEOUT_MS = 5000;
/** At the end of a process a full pipe is given this long. */
const LAST_WAIT_MS = 200;
const LAST_POLL_MS = 5;

/** A way to write to a standard stream, whatever it is, that keeps nobody waiting. */
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
 * A descriptor of our own for the same pipe or terminal: that it does not block is then nothing
 * that others feel who have the stream, too. Undefined if the system gives none, as to those who
 * have become another user.
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

  /** No call is ever under way. */
  abandon(): boolean {
    return true;
  }
}

/** A file or device: it is written by a thread, as a disk may be slow. */
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
    // It would wait behind the thread, perhaps for ever.
    return this.#busy ? 0 : writeAll(this.fd, bytes, 0);
  }

  /** Node's end waits for its threads, and one that a terminal or a network's disk holds cannot be called back. */
  abandon(): boolean {
    return !this.#busy;
  }
}

/** A socket, such as that of systemd's journal. */
class SocketSink implements Sink {
  readonly endTimeoutMs = READER_TIMEOUT_MS;
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.unref();
    // Each write hears of it.
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
