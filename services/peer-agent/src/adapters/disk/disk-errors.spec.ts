import { describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { diskError } from './disk-errors.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code });
}

describe('diskError', () => {
  it.each([
    ['ENOSPC', 'exhausted', 'DISK_FULL'],
    ['EDQUOT', 'exhausted', 'DISK_FULL'],
    ['EACCES', 'denied', 'PATH_DENIED'],
    ['EPERM', 'denied', 'PATH_DENIED'],
    ['EROFS', 'denied', 'READ_ONLY'],
    ['ENOENT', 'precondition', 'FILE_MISSING'],
    ['ENOTDIR', 'precondition', 'FILE_MISSING'],
    ['EEXIST', 'already-exists', 'PATH_EXISTS'],
    ['EISDIR', 'already-exists', 'PATH_EXISTS'],
    ['SHORT_FILE', 'precondition', 'FILE_CHANGED'],
    ['EMFILE', 'exhausted', 'TOO_MANY_FILES'],
    ['ENAMETOOLONG', 'invalid', 'NAME_TOO_LONG'],
    ['EFBIG', 'exhausted', 'FILE_TOO_LARGE'],
  ])('explains %s and the remedy, and names the file', (errno, code, reason) => {
    const cause = systemError(errno);
    const error = diskError(cause, '/data/movie.mkv');
    expect(error).toMatchObject({ code, reason, cause });
    expect(error.message).toMatch(/^\/data\/movie\.mkv: .+/);
    expect(error.message).not.toContain(errno);
  });

  it.each(['ENOSPC', 'EACCES', 'EROFS', 'ENOENT', 'ENOTDIR', 'SHORT_FILE', 'EMFILE'])(
    'mentions resuming after %s only where a transfer can',
    (errno) => {
      expect(diskError(systemError(errno), '/data/f').message).toMatch(/ and resume$/);
      expect(diskError(systemError(errno), '/data/f', 'other').message).not.toMatch(/resume/);
    },
  );

  it('keeps the text of an unknown error', () => {
    const error = diskError(systemError('EIO'), '/data/f');
    expect(error).toMatchObject({ code: 'internal', reason: 'DISK_FAILED' });
    expect(error.message).toContain('/data/f');
    expect(error.message).toContain('EIO');
  });

  it('does not change our own errors', () => {
    const ours = new EnjambreError('cancelled', 'CANCELLED', 'enough');
    expect(diskError(ours, '/data/f')).toBe(ours);
  });
});
