import { expect, test } from '@jest/globals';
import { quote } from './quote.js';

test('ordinary text of any language is shown unchanged', () => {
  expect(quote('ñandú 日本.txt')).toBe('"ñandú 日本.txt"');
});

test('characters that could control a terminal or reorder a line are escaped', () => {
  const shown = quote('a\u001b[2J\u0085\u202eb\u2028\ud800"\\');
  expect(shown).toMatch(/^[\x20-\x7e]*$/);
  expect(shown).toContain('\\u{202e}');
});

test('long text is truncated', () => {
  expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(64)}…"`);
});
