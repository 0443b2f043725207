import { describe, expect, it } from '@jest/globals';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { RequestWindow } from './request-window.js';

const FIRST = DEFAULT_ENGINE_CONFIG.initialWindowBytes;

/** A window whose slow start is over: its rate stayed the same for half a second. */
function settled(rate: number): RequestWindow {
  const window = new RequestWindow(DEFAULT_ENGINE_CONFIG, 0);
  for (const nowMs of [500, 1000]) window.tick(rate, nowMs);
  return window;
}

describe('RequestWindow', () => {
  it('grows by each byte that arrives until the rate stays the same, and then covers a fixed time', () => {
    const window = new RequestWindow(DEFAULT_ENGINE_CONFIG, 0);
    window.received(1000, 10);
    expect(window.bytes).toBe(FIRST + 1000);
    window.tick(100 * FIRST, 500);
    window.tick(100 * FIRST, 1000);
    expect(window.bytes).toBe(100 * FIRST * DEFAULT_ENGINE_CONFIG.queueSeconds);
    window.received(1000, 10);
    expect(window.bytes).toBe(100 * FIRST * DEFAULT_ENGINE_CONFIG.queueSeconds);
  });

  it('is never smaller than the initial window', () => {
    expect(settled(1).bytes).toBe(FIRST);
  });

  it('covers twice the shortest response time, up to half a second', () => {
    const window = settled(100 * FIRST);
    window.received(1, 60_000);
    window.tick(100 * FIRST, 1100);
    expect(window.bytes).toBe(100 * FIRST);
  });

  it('starts slowly again after a restart', () => {
    const window = settled(100 * FIRST);
    window.restart(2000);
    window.received(1000, 10);
    window.tick(100 * FIRST, 2499);
    expect(window.bytes).toBe(FIRST + 1000);
  });
});
