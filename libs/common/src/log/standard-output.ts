import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { BoundedLog } from './bounded-log.js';
import { endHeldProcess } from './held-process.js';
import { openSink } from './sinks.js';

const outputs = new Map<number, BoundedLog>();
let detached = false;

/** Time that an immediate exit waits for a write to a file. */
const AT_ONCE_TIMEOUT_MS = 200;

/** The single queue for all logs of this process to standard output (1), standard error (2) or a file. */
export function standardOutput(fd: number): BoundedLog {
  let output = outputs.get(fd);
  if (!output) {
    output = new BoundedLog(openSink(fd));
    outputs.set(fd, output);
    process.once('exit', () => outputs.get(fd)?.endNow());
  }
  return output;
}

/** Log lines dropped by this process so far. */
export function droppedLogLines(): number {
  return [...outputs.values()].reduce((sum, { dropped }) => sum + dropped, 0);
}

/**
 * True if nothing in this process may write to `process.stdout` and `process.stderr`, which block on their
 * readers.
 */
export function standardStreamsAreDetached(): boolean {
  return detached;
}

/**
 * Call it in a service before it starts: output of libraries and of Node itself then goes through the log's
 * queue. `process.stdout` and `process.stderr` block the whole process when a pipe or terminal is not read.
 */
export function detachStandardStreams(): void {
  if (detached) return;
  detached = true;
  globalThis.console = new Console(streamTo(1), streamTo(2));
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => standardOutput(2).write(`enjambre: ${name}: ${message}\n`));
}

/**
 * Call it at process exit, after the exit code is set: waits briefly until the last lines are written. If a
 * file still blocks a write then, the process ends here, after all outputs.
 */
export async function endStandardOutput(): Promise<void> {
  if (!(await endLogs([...outputs.values()]))) endHeldProcess(Number(process.exitCode ?? 0));
}

/**
 * Ends each log within its own timeout, then gives up pending writes. False if one of them blocks process
 * exit.
 */
export async function endLogs(logs: readonly Pick<BoundedLog, 'end' | 'abandon'>[]): Promise<boolean> {
  await Promise.all(logs.map((log) => log.end()));
  return abandonAll(logs);
}

/** Ends the process with `code` at once, even while a file blocks a write. */
export function exitAtOnce(code: number): void {
  const logs = [...outputs.values()];
  if (abandonAll(logs)) process.exit(code);
  setTimeout(() => {
    if (abandonAll(logs)) process.exit(code);
    endHeldProcess(code);
  }, AT_ONCE_TIMEOUT_MS);
}

function abandonAll(logs: readonly Pick<BoundedLog, 'abandon'>[]): boolean {
  return logs.map((log) => log.abandon()).every((isGivenUp) => isGivenUp);
}

function streamTo(fd: number): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk: unknown, _encoding, done) => {
      standardOutput(fd).write(String(chunk));
      done();
    },
  });
}
