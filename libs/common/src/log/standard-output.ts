import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { BoundedLog } from './bounded-log.js';
import { endHeldProcess } from './held-process.js';
import { openSink } from './sinks.js';

type StandardFd = 1 | 2;

const outputs = new Map<StandardFd, BoundedLog>();
let detached = false;

/** How long an immediate exit waits for a write to a file. */
const AT_ONCE_TIMEOUT_MS = 200;

/** The one way of all logs of this process to its standard output (1) or error (2). */
export function standardOutput(fd: StandardFd): BoundedLog {
  let output = outputs.get(fd);
  if (!output) {
    output = new BoundedLog(openSink(fd));
    outputs.set(fd, output);
    process.once('exit', () => outputs.get(fd)?.endNow());
  }
  return output;
}

/** Log lines that this process has dropped so far. */
export function droppedLogLines(): number {
  return [...outputs.values()].reduce((sum, { dropped }) => sum + dropped, 0);
}

/** True if nothing in this process may write to `process.stdout` and `process.stderr`, which wait for their readers. */
export function standardStreamsAreDetached(): boolean {
  return detached;
}

/**
 * To be called by a service before it starts: what libraries and Node itself have to say goes the
 * way of the log from then on. `process.stdout` and `process.stderr` block the whole process when
 * nobody reads a pipe or terminal.
 */
export function detachStandardStreams(): void {
  if (detached) return;
  detached = true;
  globalThis.console = new Console(streamTo(1), streamTo(2));
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => standardOutput(2).write(`enjambre: ${name}: ${message}\n`));
}

/**
 * To be called at the end of the process, when its exit code is set: waits a moment until the last
 * lines have left. If a file still holds up a write then, the process ends here, after all outputs.
 */
export async function endStandardOutput(): Promise<void> {
  if (!(await endLogs([...outputs.values()]))) endHeldProcess(Number(process.exitCode ?? 0));
}

/** Ends each log in its own time, then gives up what is still being written. False if that holds up the process. */
export async function endLogs(logs: readonly Pick<BoundedLog, 'end' | 'abandon'>[]): Promise<boolean> {
  await Promise.all(logs.map((log) => log.end()));
  return abandonAll(logs);
}

/** Ends the process with `code` at once, also while a file holds up a write. */
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

function streamTo(fd: StandardFd): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk: unknown, _encoding, done) => {
      standardOutput(fd).write(String(chunk));
      done();
    },
  });
}
