import { describe, expect, test } from '@jest/globals';
import { faultOf } from '../test/fault-of.js';
import { checkName, foldName } from './names.js';

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
    ['.', 'means a folder'],
    ['..', 'means a folder'],
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

test.each([
  ['README', 'readme'],
  ['\u00e9', 'e\u0301'],
  ['\u00c9', 'e\u0301'],
  ['ΣΑΣ', 'σας'],
  ['Straße', 'STRASSE'],
  ['\u212a', 'k'],
  ['\u03f4', 'θ'],
])('%j and %j cannot share a folder', (one, other) => {
  expect(foldName(one)).toBe(foldName(other));
});

test.each([
  ['a', 'b'],
  ['a', 'á'],
  ['a', 'a '],
])('%j and %j can share a folder', (one, other) => {
  expect(foldName(one)).not.toBe(foldName(other));
});
