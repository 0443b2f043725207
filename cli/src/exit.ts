import { EnjambreError, messageOf, type ErrorCode } from '@enjambre/core/error';
import type { Output } from './output.js';
import { messageWithRemedy } from './wording.js';

/** Exit codes of the process; scripts depend on these numbers. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid: EXIT.usage,
  'not-found': EXIT.notFound,
  'already-exists': EXIT.failed,
  precondition: EXIT.failed,
  denied: EXIT.failed,
  unauthenticated: EXIT.failed,
  exhausted: EXIT.failed,
  unavailable: EXIT.unreachable,
  aborted: EXIT.failed,
  timeout: EXIT.unreachable,
  cancelled: EXIT.interrupted,
  'data-loss': EXIT.failed,
  internal: EXIT.failed,
};

/** Reasons whose exit code is not that of their error code. */
const EXIT_OF_REASON: Readonly<Record<string, ExitCode | undefined>> = {
  // The command line was right; the content is not.
  EMPTY_FILE: EXIT.failed,
  EMPTY_FOLDER: EXIT.failed,
  NOT_A_FILE: EXIT.failed,
  UNSUPPORTED_NAMES: EXIT.failed,
  TOO_MANY_FILES: EXIT.failed,
  NAMESAKE: EXIT.failed,
  // The user fixes it with another ref.
  AMBIGUOUS_REF: EXIT.usage,
  // A service in this process did not start: no other process was called.
  PORT_IN_USE: EXIT.failed,
  CANNOT_LISTEN: EXIT.failed,
};

/** The single mapping from errors to exit codes. */
export function exitCodeOf(error: EnjambreError): ExitCode {
  return EXIT_OF_REASON[error.reason] ?? EXIT_OF_CODE[error.code];
}

/** The reported part of an error: never its stack. */
export interface Failure {
  readonly reason: string;
  /** One sentence: the problem and the next step. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Ends the command with an exit code; its failures are reported already. */
export class ReportedFailure extends Error {
  constructor(readonly exitCode: ExitCode) {
    super('the failures are reported');
  }
}

/**
 * Reports a failure as one sentence on standard error and, with --json, as an object on standard output as well.
 *
 * @param argument the one of several that it is about
 */
export function reportFailure(
  { reason, message, exitCode }: Failure,
  output: Output,
  argument?: string,
): void {
  output.error(`enjambre: ${message}`);
  output.object({ type: 'error', reason, message, exit_code: exitCode, argument });
}

/** Describes any thrown value. */
export function failureOf(error: unknown): Failure {
  if (error instanceof EnjambreError) {
    return { reason: error.reason, message: messageWithRemedy(error), exitCode: exitCodeOf(error) };
  }
  const reason = isSystemError(error) ? error.code : 'INTERNAL';
  return { reason, message: messageOf(error), exitCode: EXIT.failed };
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
