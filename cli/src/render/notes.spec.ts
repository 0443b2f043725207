import { describe, expect, test } from '@jest/globals';
import { wrapNotes } from './notes.js';

describe('the notes of a help', () => {
  const notes = '\nA sentence that is\ntwo lines here.\n\n  enjambre get x   gets it';

  test('join and break their sentences, between words', () => {
    expect(wrapNotes(notes, 40)).toBe('\nA sentence that is two lines here.\n\n  enjambre get x   gets it');
    expect(wrapNotes(notes, 25).split('\n').slice(1, 3)).toEqual(['A sentence that is two', 'lines here.']);
  });

  test('have the comment of an example below it, if both do not fit', () => {
    expect(wrapNotes('  enjambre get x   gets it', 24)).toBe('  enjambre get x\n      gets it');
  });

  test('leave an example without a comment as it is', () => {
    expect(wrapNotes('  enjambre get something', 10)).toBe('  enjambre get something');
  });
});
