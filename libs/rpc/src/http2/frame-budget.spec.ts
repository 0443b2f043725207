import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameBudget } from './frame-budget.js';

describe('FrameBudget', () => {
  it('allows 1,024 frames at once that serve no stream, and then 100 a second', () => {
    let nowMs = 0;
    const budget = new FrameBudget(() => nowMs);
    for (let frame = 0; frame < 1024; frame++) budget.idle();
    expect(() => budget.idle()).toThrow('too many frames');
    nowMs += 10_000;
    const later = (): number => {
      for (let frames = 0; ; frames++)
        try {
          budget.idle();
        } catch {
          return frames;
        }
    };
    expect(later()).toBeGreaterThanOrEqual(990);
    nowMs += 1000;
    expect(later()).toBeLessThanOrEqual(100);
  });

  it('never stops a server that sends data, whatever it sends besides at the same pace', () => {
    const step = fc.record({ bytes: fc.integer({ min: 1100, max: 16_384 }), idle: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2000, maxLength: 3000 }), (steps) => {
        const budget = new FrameBudget(() => 0);
        for (const { bytes, idle } of steps) {
          budget.data(bytes);
          if (idle) budget.idle();
        }
      }),
      { numRuns: 20 },
    );
  });
});
