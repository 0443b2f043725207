import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesOf, folderMetainfo, metainfoOf } from '../../test/support/content.js';
import { checkPatterns, matcherOf, selectionOf } from './select-files.js';

const PIECE = 16 * 1024;
const FILES = ['.env', 'a.bin', 'b.txt', 'sub/c.bin', 'sub/deep/d.bin', 'sub/e.log', 'sub2/f.bin'];
const SET = folderMetainfo(Object.fromEntries(FILES.map((path) => [path, bytesOf(20)])), PIECE, 'set');

const matching = (...patterns: string[]): string[] => FILES.filter(matcherOf(patterns));

describe('the patterns of a selection', () => {
  it.each<[string[], string[]]>([
    [['*.bin'], ['a.bin']],
    [['sub/*.bin'], ['sub/c.bin']],
    [['**/*.bin'], ['a.bin', 'sub/c.bin', 'sub/deep/d.bin', 'sub2/f.bin']],
    [['sub/**'], ['sub/c.bin', 'sub/deep/d.bin', 'sub/e.log']],
    [['sub'], ['sub/c.bin', 'sub/deep/d.bin', 'sub/e.log']],
    [['./sub/'], ['sub/c.bin', 'sub/deep/d.bin', 'sub/e.log']],
    [['*/deep'], ['sub/deep/d.bin']],
    [['sub*/'], ['sub/c.bin', 'sub/deep/d.bin', 'sub/e.log', 'sub2/f.bin']],
    [['*'], ['.env', 'a.bin', 'b.txt']],
    [['sub/*'], ['sub/c.bin', 'sub/e.log']],
    [['?.{bin,txt}'], ['a.bin', 'b.txt']],
    [['[ab].*'], ['a.bin', 'b.txt']],
    [
      ['a.bin', 'sub/e.log'],
      ['a.bin', 'sub/e.log'],
    ],
    [
      ['sub', '!**/*.log'],
      ['sub/c.bin', 'sub/deep/d.bin'],
    ],
    [
      ['!sub', '!.env'],
      ['a.bin', 'b.txt', 'sub2/f.bin'],
    ],
    [['A.BIN'], []],
    [['c.bin'], []],
  ])('%j match %j', (patterns, paths) => {
    expect(matching(...patterns)).toEqual(paths);
  });

  it('match a name in any Unicode normalization', () => {
    expect(matcherOf(['caf\u00e9'])('cafe\u0301')).toBe(true);
    expect(matcherOf(['cafe\u0301'])('caf\u00e9')).toBe(true);
  });

  it('match hostile paths in little time', () => {
    const paths = ['a'.repeat(255), 'a/'.repeat(90), `${'a/'.repeat(90)}b`, 'aaaa/'.repeat(50)];
    const hard = [
      `${'*a'.repeat(60)}b`,
      `${'**/a/'.repeat(30)}b`,
      `${'**/*a*/'.repeat(20)}b`,
      '*'.repeat(900),
    ];
    const began = performance.now();
    for (const pattern of hard) for (const path of paths) matcherOf([pattern])(path);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('never throw, whatever a user types', () => {
    const part = fc.constantFrom(
      '*',
      '**',
      '/',
      '{',
      '}',
      ',',
      '[',
      ']',
      '!',
      '\\',
      '(',
      ')',
      '@',
      '..',
      'a',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), fc.string({ maxLength: 40 }), (parts, path) => {
        matcherOf([parts.join('')])(path);
      }),
    );
  });

  it.each([[['']], [['!']], [['./']], [['x'.repeat(1025)]], [Array.from({ length: 101 }, () => 'x')]])(
    'are refused if they name no path, or are too many',
    (patterns) => {
      expect(() => checkPatterns(patterns)).toThrow(expect.objectContaining({ reason: 'BAD_SELECT' }));
    },
  );
});

describe('the selection of patterns', () => {
  it('has all files without a pattern', () => {
    expect(selectionOf(SET, []).isAll).toBe(true);
    expect(selectionOf(SET, ['**']).isAll).toBe(true);
    expect(selectionOf(SET, ['sub']).fileCount).toBe(3);
  });

  it('names some paths if it would be empty', () => {
    const message = expect.stringMatching(
      /^no file matches "\*\.nope" in "set", which has "\.env", .* and 2 more: choose others$/,
    );
    expect(() => selectionOf(SET, ['*.nope'])).toThrow(
      expect.objectContaining({ reason: 'NOTHING_SELECTED', message }),
    );
  });

  it.each<[string[], string[]]>([
    [['m[1].bin'], ['m[1].bin']],
    [['m\\[1].bin'], ['m[1].bin']],
    [['m[1]*'], ['m1.bin']],
    [['./{a,b}/'], ['{a,b}/x']],
    [['!x.bin'], ['!x.bin']],
    [['!!x.bin'], ['m1.bin', 'm[1].bin', 'x.bin', '{a,b}/x', 'a/x']],
    [
      ['!x.bin', 'a'],
      ['!x.bin', 'a/x'],
    ],
    [
      ['*.bin', '!m[1].bin'],
      ['!x.bin', 'm1.bin', 'x.bin'],
    ],
  ])('takes a path of the content literally: %j select %j', (patterns, paths) => {
    const all = ['!x.bin', 'm1.bin', 'm[1].bin', 'x.bin', '{a,b}/x', 'a/x'];
    const set = folderMetainfo(Object.fromEntries(all.map((path) => [path, bytesOf(20)])), PIECE, 'set');
    const selection = selectionOf(set, patterns);
    const found = [...selection.files()].map((file) => set.files[file]?.path.join('/'));
    expect(found.sort()).toEqual(paths.sort());
  });

  it('is refused if it has only empty files, since there would be nothing to download', () => {
    const set = folderMetainfo({ a: bytesOf(5), b: bytesOf(0) }, PIECE, 'set');
    expect(() => selectionOf(set, ['b'])).toThrow('"b" selects only empty files');
  });

  it('is refused for a single file', () => {
    const file = metainfoOf(bytesOf(5), PIECE, 'a.bin');
    expect(() => selectionOf(file, ['a.bin'])).toThrow(expect.objectContaining({ reason: 'NOT_A_FOLDER' }));
  });
});
