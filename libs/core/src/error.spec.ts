import { describe, expect, test } from '@jest/globals';
import { EnjambreError, messageOf } from './error.js';

describe('an error meant to be read', () => {
  test('says what it was made of', () => {
    const cause = new Error('the disk');
    const details = { metadata: { free: '12' }, retryAfterMs: 500, cause };
    const error = new EnjambreError('exhausted', 'DISK_FULL', 'the disk is full: make room', details);
    expect(error).toMatchObject({
      name: 'EnjambreError',
      code: 'exhausted',
      reason: 'DISK_FULL',
      message: 'the disk is full: make room',
      ...details,
    });
  });

  test('has no facts, no time to retry and no cause unless it is given them', () => {
    const error = new EnjambreError('not-found', 'NO_FILE', 'there is no such file: look with `ls`');
    expect(error.metadata).toEqual({});
    expect(error.retryAfterMs).toBeUndefined();
    expect(Object.hasOwn(error, 'cause')).toBe(false);
  });

  test('stays itself when it is made one of ours', () => {
    const error = new EnjambreError('denied', 'NOT_YOURS', 'it is not yours: ask its owner');
    expect(EnjambreError.from(error)).toBe(error);
  });

  test.each([new Error('password in here'), 'a text', undefined])('hides %p, which is not ours', (thrown) => {
    const error = EnjambreError.from(thrown);
    expect(error).toBeInstanceOf(EnjambreError);
    expect(error).toMatchObject({ code: 'internal', reason: 'INTERNAL', message: 'internal error' });
    expect(error.cause).toBe(thrown);
  });
});

test('the text of whatever was thrown is its message, or itself', () => {
  expect([new Error('full'), 'text', 7, null].map(messageOf)).toEqual(['full', 'text', '7', 'null']);
});
