import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Intake } from './intake.js';

let calls: string[];
let intake: Intake;

beforeEach(() => {
  jest.useFakeTimers();
  calls = [];
  intake = new Intake({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
});

afterEach(() => {
  jest.useRealTimers();
});

test('reads on only when there is no reason left to wait', () => {
  intake.hold('reader');
  intake.rest(100);
  intake.release('reader');
  expect(calls).toEqual(['pause']);
  jest.advanceTimersByTime(100);
  expect(calls).toEqual(['pause', 'resume']);
  intake.release('reader');
  expect(calls).toEqual(['pause', 'resume']);
});

test('reads no more after its end', () => {
  intake.rest(100);
  intake.close();
  jest.advanceTimersByTime(1000);
  expect(calls).toEqual(['pause']);
});
