import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { HaveNews } from './have-news.js';
import { MAX_HAVE_PIECES } from './wire-constants.js';

describe('haves', () => {
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

  test('are sent at once if urgent', () => {
    news.add([1, 2], true);
    expect(told).toEqual([[1, 2]]);
  });

  test('are batched and sent once, within a second, if not urgent', () => {
    news.add([1], false);
    jest.advanceTimersByTime(600);
    news.add([2], false);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(400);
    expect(told).toEqual([[1, 2]]);
    jest.advanceTimersByTime(5000);
    expect(told).toHaveLength(1);
  });

  test('are sent together with an urgent one', () => {
    news.add([1], false);
    news.add([2], true);
    expect(told).toEqual([[1, 2]]);
    jest.advanceTimersByTime(5000);
    expect(told).toHaveLength(1);
  });

  test('are sent only by a flush after a stop', () => {
    news.add([1], false);
    news.stop();
    jest.advanceTimersByTime(5000);
    expect(told).toEqual([]);
    news.flush();
    expect(told).toEqual([[1]]);
  });

  test('contain no more pieces per message than a peer accepts', () => {
    news.add(
      Array.from({ length: MAX_HAVE_PIECES + 1 }, (_, piece) => piece),
      true,
    );
    expect(told.map(({ length }) => length)).toEqual([MAX_HAVE_PIECES, 1]);
  });
});
