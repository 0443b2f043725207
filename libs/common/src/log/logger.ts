import { isatty } from 'node:tty';
import { pino, type Logger as PinoLogger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { logIds } from '../tracing/tracing.js';
import { standardOutput } from './standard-output.js';

/** Structured log: `log.info({ peer: { id, name } }, 'sentence')`. Fields are named as in docs/vocabulary.md. */
export type Logger = PinoLogger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

export interface LogOptions {
  /** Name of the service in the log, such as "tracker". */
  readonly name: string;
  /** @default 'info' */
  readonly level?: (typeof LOG_LEVELS)[number];
  /** `pretty` for people, `json` for machines. @default 'json' */
  readonly format?: (typeof LOG_FORMATS)[number];
  /** An open file descriptor, such as that of a file. @default 1, standard output */
  readonly fd?: number;
}

const STDOUT = 1;

/**
 * Creates a logger that writes to standard output, the log of a service in the foreground, or to a file. It never waits
 * for its reader, and drops lines that have no room. A line written in a traced operation has its `trace_id` and
 * `span_id`.
 */
export function createLogger({ name, level = 'info', format = 'json', fd = STDOUT }: LogOptions): Logger {
  const render = format === 'json' ? (line: string): string => line : prettyRenderer(level, isatty(fd));
  // Opened at the first line: a silent logger needs no output.
  let isOpen = false;
  const open = (): ReturnType<typeof standardOutput> => {
    const output = standardOutput(fd);
    if (!isOpen) output.notice = (lines, why) => render(lossLine(name, lines, why));
    isOpen = true;
    return output;
  };
  return pino(
    {
      name,
      level,
      base: { name },
      mixin: logIds,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (word) => ({ level: word }) },
    },
    { write: (line) => open().write(render(line)) },
  );
}

function prettyRenderer(level: string, colorize: boolean): (line: string) => string {
  return prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname,name',
    messageFormat: '{name}: {msg}',
    hideObject: level !== 'debug' && level !== 'trace',
  });
}

/** The notice in pino's format. */
function lossLine(name: string, dropped: number, why: string): string {
  const msg = `${dropped} log ${dropped === 1 ? 'line was' : 'lines were'} dropped: ${why}`;
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), name, dropped_count: dropped, msg })}\n`;
}
