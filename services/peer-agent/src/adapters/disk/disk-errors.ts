import { EnjambreError, messageOf, type ErrorCode } from '@enjambre/core/error';
import { BLOCK_LOST } from '../../app/ports/piece-store.js';
import { errnoOf } from '@enjambre/common/system-error';

interface Meaning {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly text: string;
  /** What to do next. */
  readonly remedy: string;
  /** Added to the remedy for transfers, which must be resumed. */
  readonly then?: string;
}

/** What the agent was doing: working on the files of a transfer, which can be resumed, or anything else. */
export type DiskWork = 'transfer' | 'other';

const DENIED = {
  code: 'denied',
  reason: 'PATH_DENIED',
  text: 'permission denied',
  remedy: 'fix its permissions',
  then: ' and resume',
} as const;

/** The file system of the path does not respond. */
const AWAY = {
  code: 'precondition',
  reason: 'FILE_MISSING',
  text: 'its file system is unavailable',
  remedy: 'mount it again',
  then: ' and resume',
} as const;

/** Meaning of system errors for people, with the remedy. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: {
    code: 'exhausted',
    reason: 'DISK_FULL',
    text: 'the disk is full',
    remedy: 'make room',
    then: ' and resume',
  },
  EDQUOT: {
    code: 'exhausted',
    reason: 'DISK_FULL',
    text: 'the disk quota is used up',
    remedy: 'make room',
    then: ' and resume',
  },
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: {
    code: 'denied',
    reason: 'READ_ONLY',
    text: 'the file system is read-only',
    remedy: 'mount it writable',
    then: ' and resume',
  },
  ENOENT: {
    code: 'precondition',
    reason: 'FILE_MISSING',
    text: 'it is missing',
    remedy: 'restore it',
    then: ' and resume',
  },
  ENOTDIR: {
    code: 'precondition',
    reason: 'FILE_MISSING',
    text: 'part of the path is not a folder',
    remedy: 'fix it',
    then: ' and resume',
  },
  ESTALE: AWAY,
  ENOTCONN: AWAY,
  ENODEV: AWAY,
  ENXIO: AWAY,
  EHOSTDOWN: AWAY,
  EHOSTUNREACH: AWAY,
  EEXIST: {
    code: 'already-exists',
    reason: 'PATH_EXISTS',
    text: 'a file with that name exists',
    remedy: 'move it away, or choose another folder',
  },
  EISDIR: {
    code: 'already-exists',
    reason: 'PATH_EXISTS',
    text: 'a folder with that name exists',
    remedy: 'move it away, or choose another',
  },
  SHORT_FILE: {
    code: 'precondition',
    reason: 'FILE_CHANGED',
    text: 'it is shorter than before',
    remedy: 'restore the original',
    then: ' and resume',
  },
  EMFILE: {
    code: 'exhausted',
    reason: 'TOO_MANY_FILES',
    text: 'too many files are open',
    remedy: 'raise the limit (ulimit -n)',
    then: ' and resume',
  },
  ENFILE: {
    code: 'exhausted',
    reason: 'TOO_MANY_FILES',
    text: 'too many files are open on this machine',
    remedy: 'close some',
    then: ' and resume',
  },
  ENAMETOOLONG: {
    code: 'invalid',
    reason: 'NAME_TOO_LONG',
    text: 'the path is too long for this file system',
    remedy: 'choose a shorter folder',
  },
  THREAD_LOST: {
    code: 'aborted',
    reason: BLOCK_LOST,
    text: 'the agent thread that worked on it has ended',
    remedy: 'check the log, give the agent more memory',
    then: ' and resume',
  },
  EFBIG: {
    code: 'exhausted',
    reason: 'FILE_TOO_LARGE',
    text: 'the file is too large for the file system',
    remedy: 'choose another folder',
  },
};

/** Error code of the disk pool: a thread ended while it held a job. */
export const THREAD_LOST = 'THREAD_LOST';

/** True if the error means that a file, or a folder above it, is missing. */
export function isAbsence(error: unknown): boolean {
  return MEANINGS[errnoOf(error)]?.reason === 'FILE_MISSING';
}

/** One sentence on what went wrong with `path`, and what to do. */
export function diskError(error: unknown, path: string, work: DiskWork = 'transfer'): EnjambreError {
  if (error instanceof EnjambreError) return error;
  const meaning = MEANINGS[errnoOf(error)];
  if (!meaning)
    return new EnjambreError('internal', 'DISK_FAILED', `${path}: ${messageOf(error)}`, { cause: error });
  const { code, reason, text, remedy, then = '' } = meaning;
  const message = `${path}: ${text}: ${remedy}${work === 'transfer' ? then : ''}`;
  return new EnjambreError(code, reason, message, { cause: error });
}

/** The file system does not respond, such as a network file system whose server is unreachable. */
export function folderSilent(folder: string): EnjambreError {
  const message = `the file system of ${folder} does not answer: mount it again, or choose another folder`;
  return new EnjambreError('unavailable', 'DISK_SILENT', message, { metadata: { setting: 'outputDir' } });
}
