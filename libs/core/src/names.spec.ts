import { describe, expect, test } from '@jest/globals';
import { faultOf } from '../test/fault-of.js';
import { checkName, sameName } from './names.js';

describe('a name', () => {
  test.each([
    'a',
    '...',
    '.hidden',
    'ñandú.txt',
    '日本.txt',
    '👩‍👩‍👧.png',
    'a b',
    'con',
    'x'.repeat(255),
    'é'.repeat(127),
  ])('can be %j', (name) => expect(() => checkName(name)).not.toThrow());

  test.each([
    ['', 'is empty'],
    ['.', 'names the folder'],
    ['..', 'names the folder'],
    ['a/b', 'separator'],
    ['/', 'separator'],
    ['..\\a', 'separator'],
    ['a\0', 'control character'],
    ['a\nb', 'control character'],
    ['\u007f', 'control character'],
    ['\u009b1m', 'control character'],
    ['a\u2028b', 'control character'],
    ['gpj.\u202eexe', 'reorders'],
    ['\u200fa', 'reorders'],
    ['\u2066a', 'reorders'],
    ['\u061ca', 'reorders'],
    ['\ud800', 'not valid Unicode'],
    ['x'.repeat(256), 'longer than 255 bytes'],
    ['é'.repeat(128), 'longer than 255 bytes'],
  ])('cannot be %j: it %s', (name, fault) => {
    const error = faultOf(() => checkName(name));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_NAME' });
    expect(error.message).toContain(fault);
  });
});

test('is the same in any Unicode normalization, but differs by case', () => {
  expect(sameName('caf\u00e9', 'cafe\u0301')).toBe(true);
  expect(sameName('README', 'readme')).toBe(false);
  expect(sameName('a', 'a ')).toBe(false);
});
