import { describe, expect, test } from '@jest/globals';
import { EnjambreError, type ErrorCode } from '@enjambre/core/error';
import { exitCodeOf, failureOf } from './exit.js';

describe('exit codes', () => {
  test.each<[ErrorCode, string, number]>([
    ['invalid', 'BAD_REF', 2],
    ['invalid', 'BAD_OPTION', 2],
    ['invalid', 'BAD_PIECE_LENGTH', 2],
    ['invalid', 'BAD_METAINFO', 2],
    ['invalid', 'BAD_BENCODE', 2],
    ['invalid', 'BAD_MAGNET', 2],
    ['invalid', 'EMPTY_FOLDER', 1],
    ['precondition', 'AMBIGUOUS_REF', 2],
    ['precondition', 'NOT_DOWNLOADED', 1],
    ['not-found', 'UNKNOWN_REF', 3],
    ['not-found', 'PATH_NOT_FOUND', 3],
    ['already-exists', 'PATH_EXISTS', 1],
    ['denied', 'PATH_NOT_WRITABLE', 1],
    ['unauthenticated', 'BAD_TOKEN', 1],
    ['unavailable', 'AGENT_UNREACHABLE', 4],
    ['unavailable', 'NO_TRACKER', 4],
    ['unavailable', 'PORT_IN_USE', 1],
    ['timeout', 'DEADLINE_EXCEEDED', 4],
    ['cancelled', 'INTERRUPTED', 130],
    ['aborted', 'TRANSFER_FAILED', 1],
    ['exhausted', 'DISK_FULL', 1],
    ['data-loss', 'DAMAGED', 1],
    ['internal', 'INTERNAL', 1],
  ])('%s (%s) is %i', (code, reason, exitCode) => {
    expect(exitCodeOf(new EnjambreError(code, reason, ''))).toBe(exitCode);
  });

  test('any other thrown value is a failure, reported without its stack', () => {
    const busy = Object.assign(new Error('EBUSY: the disk is busy'), { code: 'EBUSY' });

    expect(failureOf(busy)).toEqual({ reason: 'EBUSY', message: 'EBUSY: the disk is busy', exitCode: 1 });
    expect(failureOf(new TypeError('x is undefined'))).toMatchObject({ reason: 'INTERNAL', exitCode: 1 });
    expect(failureOf('text')).toEqual({ reason: 'INTERNAL', message: 'text', exitCode: 1 });
  });
});
