import { EnjambreError, messageOf, type ErrorCode } from '@enjambre/core/error';
import { BLOCK_LOST } from '../../app/ports/piece-store.js';
import { errnoOf } from '@enjambre/common/system-error';

interface Meaning {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly text: string;
  /** What to do. */
  readonly remedy: string;
  /** What makes a transfer go on after that. */
  readonly then?: string;
}

/** What the agent was at: the files of a transfer, which can go on, or anything else. */
export type DiskWork = 'transfer' | 'other';

const DENIED = {
  code: 'denied',
  reason: 'PATH_DENIED',
  text: 'the agent may not do that',
  remedy: 'fix its permissions',
  then: ' and resume',
} as const;

/** The file system that it is on does not answer. */
const AWAY = {
  code: 'precondition',
  reason: 'FILE_MISSING',
  text: 'its file system is away',
  remedy: 'mount it again',
  then: ' and resume',
} as const;

/** What the system's errors mean to a person, and what to do. */
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
    text: 'it is not there any more',
    remedy: 'put it back',
    then: ' and resume',
  },
  ENOTDIR: {
    code: 'precondition',
    reason: 'FILE_MISSING',
    text: 'a part of the path is no folder',
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
    text: 'a file has that name',
    remedy: 'move it away, or choose another folder',
  },
  EISDIR: {
    code: 'already-exists',
    reason: 'PATH_EXISTS',
    text: 'a folder has that name',
    remedy: 'move it away, or choose another',
  },
  SHORT_FILE: {
    code: 'precondition',
    reason: 'FILE_CHANGED',
    text: 'it is shorter than it was',
    remedy: 'put back what it was',
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
    text: 'the thread of the agent that worked on it has ended',
    remedy: 'see its log, give it more memory',
    then: ' and resume',
  },
  EFBIG: {
    code: 'exhausted',
    reason: 'FILE_TOO_LARGE',
    text: 'the file system takes no file so large',
    remedy: 'choose another folder',
  },
};

/** Code of an error of the disk pool: a thread ended with what was handed to it. */
export const THREAD_LOST = 'THREAD_LOST';

/** True if the error says that a file is not there, or all that it lay in. */
export function isAbsence(error: unknown): boolean {
  return MEANINGS[errnoOf(error)]?.reason === 'FILE_MISSING';
}

/** Says in a sentence what went wrong with `path`, and what to do. */
export function diskError(error: unknown, path: string, work: DiskWork = 'transfer'): EnjambreError {
  if (error instanceof EnjambreError) return error;
  const meaning = MEANINGS[errnoOf(error)];
  if (!meaning)
    return new EnjambreError('internal', 'DISK_FAILED', `${path}: ${messageOf(error)}`, { cause: error });
  const { code, reason, text, remedy, then = '' } = meaning;
  const message = `${path}: ${text}: ${remedy}${work === 'transfer' ? then : ''}`;
  return new EnjambreError(code, reason, message, { cause: error });
}

/** Nothing is heard of a file system, as of a network file system whose server is away. */
export function folderSilent(folder: string): EnjambreError {
  const message = `the file system of ${folder} does not answer: mount it again, or choose another folder`;
  return new EnjambreError('unavailable', 'DISK_SILENT', message, { metadata: { setting: 'outputDir' } });
}
