import { describe, expect, test } from '@jest/globals';
import { EnjambreError, messageOf } from './error.js';

describe('an EnjambreError', () => {
  test('has the fields that it was created with', () => {
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

  test('has no metadata, retry time or cause by default', () => {
    const error = new EnjambreError('not-found', 'NO_FILE', 'there is no such file: look with `ls`');
    expect(error.metadata).toEqual({});
    expect(error.retryAfterMs).toBeUndefined();
    expect(Object.hasOwn(error, 'cause')).toBe(false);
  });

  test('is returned unchanged by from()', () => {
    const error = new EnjambreError('denied', 'NOT_YOURS', 'it is not yours: ask its owner');
    expect(EnjambreError.from(error)).toBe(error);
  });

  test.each([new Error('password in here'), 'a text', undefined])(
    'hides the text of any other error: %p',
    (thrown) => {
      const error = EnjambreError.from(thrown);
      expect(error).toBeInstanceOf(EnjambreError);
      expect(error).toMatchObject({ code: 'internal', reason: 'INTERNAL', message: 'internal error' });
      expect(error.cause).toBe(thrown);
    },
  );
});

test('the text of a thrown value is its message, or the value as a string', () => {
  expect([new Error('full'), 'text', 7, null].map(messageOf)).toEqual(['full', 'text', '7', 'null']);
});
