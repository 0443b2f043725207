import { expect, test } from '@jest/globals';
import { quote } from './quote.js';

test('ordinary text of any language is shown as it is', () => {
  expect(quote('ñandú 日本.txt')).toBe('"ñandú 日本.txt"');
});

test('what could act on a terminal or reorder a line is escaped', () => {
  const shown = quote('a\u001b[2J\u0085\u202eb\u2028\ud800"\\');
  expect(shown).toMatch(/^[\x20-\x7e]*$/);
  expect(shown).toContain('\\u{202e}');
});

test('long text is cut', () => {
  expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(64)}…"`);
});
