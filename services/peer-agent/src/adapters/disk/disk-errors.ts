import { EnjambreError, messageOf, type ErrorCode } from '@enjambre/core/error';
import { errnoOf } from '@enjambre/common/system-error';

interface Meaning {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly text: string;
}

/** What the system's errors mean to a person, and what to do. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: { code: 'exhausted', reason: 'DISK_FULL', text: 'the disk is full: make room and resume' },
  EDQUOT: { code: 'exhausted', reason: 'DISK_FULL', text: 'the disk quota is used up: make room and resume' },
  EACCES: {
    code: 'denied',
    reason: 'PATH_DENIED',
    text: 'the agent may not do that: mend its permissions and resume',
  },
  EPERM: {
    code: 'denied',
    reason: 'PATH_DENIED',
    text: 'the agent may not do that: mend its permissions and resume',
  },
  EROFS: {
    code: 'denied',
    reason: 'READ_ONLY',
    text: 'the file system is read-only: mount it writable and resume',
  },
  ENOENT: {
    code: 'precondition',
    reason: 'FILE_MISSING',
    text: 'it is not there any more: put it back, then verify',
  },
  ENOTDIR: {
    code: 'precondition',
    reason: 'FILE_MISSING',
    text: 'a part of the path is no folder: mend it, then verify',
  },
  EEXIST: {
    code: 'already-exists',
    reason: 'PATH_EXISTS',
    text: 'a file has that name: move it away, or choose another folder',
  },
  EISDIR: {
    code: 'already-exists',
    reason: 'PATH_EXISTS',
    text: 'a folder has that name: move it away, or choose another',
  },
  SHORT_FILE: {
    code: 'precondition',
    reason: 'FILE_CHANGED',
    text: 'it is shorter than it was: verify the transfer',
  },
  EMFILE: {
    code: 'exhausted',
    reason: 'TOO_MANY_FILES',
    text: 'too many files are open: raise the limit (ulimit -n) and resume',
  },
  ENFILE: {
    code: 'exhausted',
    reason: 'TOO_MANY_FILES',
    text: 'too many files are open on this machine: close some and resume',
  },
  ENAMETOOLONG: {
    code: 'invalid',
    reason: 'NAME_TOO_LONG',
    text: 'the path is too long for this file system: choose a shorter folder',
  },
  EFBIG: {
    code: 'exhausted',
    reason: 'FILE_TOO_LARGE',
    text: 'the file system takes no file so large: choose another folder',
  },
};

/** Says in a sentence what went wrong with `path`. */
export function diskError(error: unknown, path: string): EnjambreError {
  if (error instanceof EnjambreError) return error;
  const code = errnoOf(error);
  const meaning = MEANINGS[code];
  if (meaning)
    return new EnjambreError(meaning.code, meaning.reason, `${path}: ${meaning.text}`, { cause: error });
  return new EnjambreError('internal', 'DISK_FAILED', `${path}: ${messageOf(error)}`, { cause: error });
}
