import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ignoredNames } from './ignore-patterns.js';

describe('ignoredNames', () => {
  it.each([
    '.hidden',
    '.',
    'film.part',
    'FILM.PART',
    'a.tmp',
    'b.crdownload',
    'notes~',
    '.notes.swp',
    '~$text.docx',
  ])('ignores %s by default', (name) => {
    expect(ignoredNames([])(name)).toBe(true);
  });

  it.each(['film.mkv', 'part', 'tmp', 'a.part.zip', 'party.partly', '~home', 'a.b'])(
    'lets %s be shared',
    (name) => {
      expect(ignoredNames([])(name)).toBe(false);
    },
  );

  it('treats * as any characters, ? as one, and everything else literally', () => {
    const ignores = ignoredNames(['*.bak', 'v?.txt', 'a+b(1).[x]']);
    expect(['x.bak', 'X.BAK', 'v1.txt', 'v€.txt', 'a+b(1).[x]'].filter(ignores)).toHaveLength(5);
    expect(['bak', 'xbak', 'v.txt', 'v12.txt', 'aab(1).x', 'a+b(1).[x]y'].filter(ignores)).toEqual([]);
  });

  it('accepts any text as a pattern, and one without * or ? matches only itself', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (pattern, name) => {
        const plain = pattern.replace(/[*?]/g, '');
        const ignores = ignoredNames([plain]);
        expect(ignores(plain)).toBe(true);
        const isSame = name.toLowerCase() === plain.toLowerCase();
        if (!ignoredNames([])(name) && !isSame) expect(ignores(name)).toBe(false);
      }),
    );
  });
});
