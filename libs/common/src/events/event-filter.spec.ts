import { describe, expect, test } from '@jest/globals';
import { eventFilter } from './event-filter.js';

describe('an event filter', () => {
  test.each([
    [[], true],
    [['*'], true],
    [['download.started'], true],
    [['download.*'], true],
    [['*.started'], true],
    [['*load*art*'], true],
    [['peer.*', 'd*d'], true],
    [['download'], false],
    [['download.started.'], false],
    [['download.started*x'], false],
    [['download.st*started'], false],
    [['peer.*', 'file.*'], false],
    [['d.wnload.started'], false],
    [[''], false],
  ])('%j lets download.started pass: %p', (patterns, passes) => {
    expect(eventFilter(patterns)('download.started')).toBe(passes);
  });

  test('is refused if it is too large', () => {
    expect(() => eventFilter(Array<string>(33).fill('x'))).toThrow(/at most 32/);
    expect(() => eventFilter(['x'.repeat(65)])).toThrow(/64 characters/);
  });
});
