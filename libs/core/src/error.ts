/**
 * What kind of thing went wrong, in words that know nothing of any wire. One table
 * at the edge maps them to gRPC codes, another to the command line's exit codes.
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
   * Facts about this case, for programs; shown to clients. Two of them say what helps, since only who shows the
   * message knows its own words for it: `setting` names the setting or the field of the request to change, as
   * "outputDir" or "sharedLinks=anywhere", which continues the message ("choose another folder" …), and `remedy` what else to do.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** A retry makes sense after so many milliseconds. */
  readonly retryAfterMs?: number;
  /** What caused it; for logs, never shown to clients. */
  readonly cause?: unknown;
}

/**
 * An error meant to be read by whoever asked. Its message is one sentence: what is
 * wrong and what to do. Any other error is a defect, and reaches a client only as
 * "internal error".
 */
export class EnjambreError extends Error {
  readonly code: ErrorCode;
  /** A constant in UPPER_SNAKE_CASE that programs can compare. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** A retry makes sense after so many milliseconds; undefined if nobody can say. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, reason: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EnjambreError';
    this.code = code;
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The same error with other facts about the case beside its own. */
  with(metadata: Readonly<Record<string, string>>): EnjambreError {
    const { code, reason, message, cause, retryAfterMs } = this;
    return new EnjambreError(code, reason, message, {
      metadata: { ...this.metadata, ...metadata },
      cause,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }

  /** Returns `error` itself if it is one of ours, else an `internal` that wraps it. */
  static from(error: unknown): EnjambreError {
    if (error instanceof EnjambreError) return error;
    return new EnjambreError('internal', 'INTERNAL', 'internal error', { cause: error });
  }
}

/** The text of anything that was thrown, for logs and reasons. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
