import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { HaveNews } from './have-news.js';
import { MAX_HAVE_PIECES } from './limits.js';

describe('the news of pieces', () => {
  let told: number[][];
  let news: HaveNews;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    news = new HaveNews((pieces) => told.push(pieces));
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test('what is urgent is told at once', () => {
    news.add([1, 2], true);
    expect(told).toEqual([[1, 2]]);
  });

  test('what is not urgent is told together within a second, once', () => {
    news.add([1], false);
    jest.advanceTimersByTime(600);
    news.add([2], false);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(400);
    expect(told).toEqual([[1, 2]]);
    jest.advanceTimersByTime(5000);
    expect(told).toHaveLength(1);
  });

  test('what waits goes with what is urgent', () => {
    news.add([1], false);
    news.add([2], true);
    expect(told).toEqual([[1, 2]]);
    jest.advanceTimersByTime(5000);
    expect(told).toHaveLength(1);
  });

  test('after a stop nothing is told but by a flush', () => {
    news.add([1], false);
    news.stop();
    jest.advanceTimersByTime(5000);
    expect(told).toEqual([]);
    news.flush();
    expect(told).toEqual([[1]]);
  });

  test('no message names more pieces than a peer takes', () => {
    news.add(
      Array.from({ length: MAX_HAVE_PIECES + 1 }, (_, piece) => piece),
      true,
    );
    expect(told.map(({ length }) => length)).toEqual([MAX_HAVE_PIECES, 1]);
  });
});
