import { describe, expect, it } from '@jest/globals';
import { Reconnection } from './reconnection.js';

describe('the next session', () => {
  const at = (start = 0): { reconnection: Reconnection; pass: (ms: number) => void } => {
    let now = start;
    return {
      reconnection: new Reconnection(
        () => now,
        () => 1,
      ),
      pass: (ms) => (now += ms),
    };
  };

  it('backs off after failures, and comes soon after a good session', () => {
    const { reconnection, pass } = at();
    expect([1, 2, 3].map(() => reconnection.waitMs('UNAVAILABLE'))).toEqual([200, 400, 800]);
    reconnection.opened();
    pass(500);
    expect(reconnection.waitMs('UNAVAILABLE')).toBe(200);
  });

  it('still backs off after sessions that end at once', () => {
    const { reconnection, pass } = at();
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      reconnection.opened();
      pass(10);
      return reconnection.waitMs('STREAM_ENDED');
    });
    expect(waits).toEqual([200, 400, 800, 1600, 3000, 3000]);
  });

  it('waits as long as the service asks, and somewhat longer, but at most about a minute', () => {
    const { reconnection } = at();
    expect(reconnection.waitMs('TOO_MANY_PEERS', 10_000)).toBe(12_500);
    expect(reconnection.waitMs('TOO_FAST', 1)).toBe(400);
    expect(reconnection.waitMs('TOO_MANY_PEERS', 1e12)).toBe(75_000);
  });

  it('waits long after a replacement: it would replace its twin in turn', () => {
    const { reconnection, pass } = at();
    reconnection.opened();
    pass(60_000);
    expect(reconnection.waitMs('REPLACED')).toBe(30_000);
  });
});
