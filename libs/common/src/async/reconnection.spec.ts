import { describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { Reconnection } from './reconnection.js';

const ended = (reason: string, retryAfterMs?: number): EnjambreError =>
  new EnjambreError(
    'unavailable',
    reason,
    'it has ended',
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );

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
    expect([1, 2, 3].map(() => reconnection.waitMs(ended('UNAVAILABLE')))).toEqual([200, 400, 800]);
    reconnection.opened();
    pass(500);
    expect(reconnection.waitMs(ended('UNAVAILABLE'))).toBe(200);
  });

  it('still backs off after sessions that end at once', () => {
    const { reconnection, pass } = at();
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      reconnection.opened();
      pass(10);
      return reconnection.waitMs(ended('STREAM_ENDED'));
    });
    expect(waits).toEqual([200, 400, 800, 1600, 3000, 3000]);
  });

  it('waits long after a replacement: it would replace its twin in turn', () => {
    const { reconnection, pass } = at();
    reconnection.opened();
    pass(60_000);
    expect(reconnection.waitMs(ended('REPLACED'))).toBe(30_000);
  });

  it('does not come before the service asks for it, however often it is refused', () => {
    const { reconnection } = at();
    const refused = ended('TOO_MANY_PEERS', 30_000);
    expect([1, 2, 3, 4, 5, 6].map(() => reconnection.waitMs(refused))).toEqual(Array(6).fill(36_000));
    expect(reconnection.waitMs(ended('TOO_MANY_CALLS', 20))).toBe(3000);
  });
});
