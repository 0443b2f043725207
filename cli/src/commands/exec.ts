import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from '@enjambre/common/config/options';
import { systemErrorText } from '@enjambre/common/system-error';
import { Serial } from '@enjambre/common/async/serial';
import { EnjambreError } from '@enjambre/core/error';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Session } from '../context.js';
import { isPart, selectedBytesOf } from '../render/selected.js';
import { plain } from '../render/text.js';

/** How long a command may take to end after Ctrl-C, in milliseconds. */
const END_MS = 5000;
/** Of the variables that describe a file. */
const PREFIX = 'ENJAMBRE_FILE_';
/** Signals that end this process, and the command with it. */
const FATAL = ['SIGTERM', 'SIGHUP'] as const;

/** Runs a command for a complete file. Throws `aborted`, EXEC_FAILED, if it fails. */
export type Exec = (transfer: Transfer) => Promise<void>;

/**
 * Runs `command` with `sh -c`, for one file at a time. The file is in environment variables only: its name comes from
 * the network, and is never part of the text that the shell reads.
 */
export function execOf(session: Session, command: string): Exec {
  const serial = new Serial();
  return (transfer) => serial.run(() => exec(session, command, transfer));
}

/** The variables that describe a file; those that are not known are absent. */
function variablesOf(transfer: Transfer): Record<string, string> {
  const { infohash, name, path, sizeBytes, publication } = transfer;
  return {
    ENJAMBRE_FILE_PATH: path,
    ENJAMBRE_FILE_NAME: name,
    ENJAMBRE_FILE_INFOHASH: infohash,
    ENJAMBRE_FILE_SIZE_BYTES: String(sizeBytes),
    ...(isPart(transfer) && { ENJAMBRE_FILE_SELECTED_BYTES: String(selectedBytesOf(transfer)) }),
    ...(publication && { ENJAMBRE_FILE_VERSION: String(publication.version) }),
    ...(publication?.publisher && {
      ENJAMBRE_FILE_PUBLISHER: publication.publisher.name,
      ENJAMBRE_FILE_PUBLISHER_ID: publication.publisher.id,
    }),
  };
}

/** Without the variables of another file: this command may itself run in a command of --exec. */
function withoutFile(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith(PREFIX)));
}

async function exec(
  { context, output, signal }: Session,
  command: string,
  transfer: Transfer,
): Promise<void> {
  if (signal.aborted) throw interrupted(transfer);
  output.erase();
  // In its own process group, so that a signal reaches all of the command and not only its shell.
  const child = spawn('/bin/sh', ['-c', command], {
    detached: true,
    env: { ...withoutFile(context.environment), ...variablesOf(transfer) },
    // With --json, standard output carries objects only.
    stdio: ['ignore', output.json ? 2 : 'inherit', 'inherit'],
  });
  const release = endWith(child, signal);
  const isInterrupted = (): boolean => signal.aborted;
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    if (isInterrupted()) {
      signalGroup(child, 'SIGTERM'); // What it runs in the background ignores SIGINT.
      throw interrupted(transfer);
    }
    if (code !== 0)
      throw failed(
        transfer,
        code === null ? `was ended by ${String(killedBy)}` : `failed with exit code ${String(code)}`,
      );
  } catch (error) {
    if (error instanceof EnjambreError) throw error;
    throw failed(transfer, `could not be run (${systemErrorText(error)})`);
  } finally {
    release();
  }
}

/** Ends the command at Ctrl-C, and when this process ends. Returns a function that stops doing so. */
function endWith(child: ChildProcess, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    signalGroup(child, 'SIGINT');
    timer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_MS);
  };
  const kill = (): void => signalGroup(child, 'SIGKILL');
  const end = (fatal: NodeJS.Signals): void => {
    signalGroup(child, fatal);
    release();
    process.kill(process.pid, fatal);
  };
  const release = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
    process.off('exit', kill);
    for (const fatal of FATAL) process.off(fatal, end);
  };
  signal.addEventListener('abort', interrupt, { once: true });
  process.once('exit', kill);
  for (const fatal of FATAL) process.once(fatal, end);
  return release;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

function failed({ name }: Transfer, how: string): EnjambreError {
  const message = `${plain(name)} is complete, but the command of --exec ${how}`;
  return new EnjambreError('aborted', 'EXEC_FAILED', message);
}

function interrupted({ name }: Transfer): EnjambreError {
  const message = `interrupted: ${plain(name)} is complete, but the command of --exec did not end`;
  return new EnjambreError('cancelled', 'INTERRUPTED', message);
}
