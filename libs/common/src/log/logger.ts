import { pino, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';
import { logIds } from '../tracing/tracing.js';

/** Structured log: `log.info({ peer }, 'sentence')`. */
export type Logger = PinoLogger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

export interface LogOptions {
  /** Who speaks, such as "tracker". */
  readonly name: string;
  /** @default 'info' */
  readonly level?: (typeof LOG_LEVELS)[number];
  /** `pretty` for people, `json` for machines. @default 'json' */
  readonly format?: (typeof LOG_FORMATS)[number];
}

/**
 * A logger that writes to standard output: for a service in the foreground its log is its
 * output. A line about something that is traced has its `trace_id` and `span_id`.
 */
export function createLogger({ name, level = 'info', format = 'json' }: LogOptions): Logger {
  if (format === 'json') {
    return pino({ name, level, base: { name }, mixin: logIds }, pino.destination({ dest: 1, sync: true }));
  }
  const stream = pretty({
    destination: 1,
    sync: true,
    colorize: process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname,name',
    messageFormat: '{name}: {msg}',
    hideObject: level !== 'debug' && level !== 'trace',
  });
  return pino({ level, base: { name }, mixin: logIds }, stream);
}
