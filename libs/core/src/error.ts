/**
 * Kinds of errors, independent of any wire. One table at the edge maps them to gRPC codes, another to the
 * exit codes of the command line.
 */
export type ErrorCode =
  | 'invalid'
  | 'not-found'
  | 'already-exists'
  | 'precondition'
  | 'denied'
  | 'unauthenticated'
  | 'exhausted'
  | 'unavailable'
  | 'aborted'
  | 'timeout'
  | 'cancelled'
  | 'data-loss'
  | 'internal';

export interface ErrorDetails {
  /**
   * Details for programs; shown to clients. Two keys help the program that shows the message to name the next
   * step in its own words: `setting` names the setting or request field to change, such as "outputDir" or
   * "sharedLinks=anywhere", and continues the message ("choose another folder" …); `remedy` names another
   * step.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** A retry makes sense after this number of milliseconds. */
  readonly retryAfterMs?: number;
  /** The cause; for logs, never shown to clients. */
  readonly cause?: unknown;
}

/**
 * An error for the caller to read. Its message is one sentence: the problem and the next step. Any other
 * error is a defect, and clients see it only as "internal error".
 */
export class EnjambreError extends Error {
  readonly code: ErrorCode;
  /** A constant in UPPER_SNAKE_CASE for programs to compare. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** A retry makes sense after this number of milliseconds; undefined if unknown. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, reason: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EnjambreError';
    this.code = code;
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
  }

  /** A copy of this error with additional metadata. */
  with(metadata: Readonly<Record<string, string>>): EnjambreError {
    const { code, reason, message, cause, retryAfterMs } = this;
    return new EnjambreError(code, reason, message, {
      metadata: { ...this.metadata, ...metadata },
      cause,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }

  /** Returns `error` itself if it is an EnjambreError, otherwise an `internal` error that wraps it. */
  static from(error: unknown): EnjambreError {
    if (error instanceof EnjambreError) return error;
    return new EnjambreError('internal', 'INTERNAL', 'internal error', { cause: error });
  }
}

/** The text of any thrown value, for logs and reasons. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
