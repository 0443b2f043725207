import { describe, expect, it } from '@jest/globals';
import { FarTrial } from './far-trial.js';

const PLENTY = (): number => 1e12;
const NOTHING = (): number => 0;

/** Advances time in ticks while this many bytes per millisecond arrive when the trial is closed and when it is open. */
function play(
  trial: FarTrial,
  {
    ms,
    closed,
    open,
    backlog = PLENTY,
  }: { ms: number; closed: number; open: number; backlog?: () => number },
): { openMs: number } {
  let openMs = 0;
  for (let at = play.nowMs; at < play.nowMs + ms; at += 100) {
    trial.received(100 * (trial.isOpen ? open : closed));
    trial.tick(at + 100, backlog);
    openMs += trial.isOpen ? 100 : 0;
  }
  play.nowMs += ms;
  return { openMs };
}
play.nowMs = 0;

function fresh(): FarTrial {
  play.nowMs = 0;
  return new FarTrial(0);
}

describe('a trial of peers in other zones', () => {
  it('does not happen while near peers have little left to give', () => {
    expect(play(fresh(), { ms: 60_000, closed: 10, open: 100, backlog: NOTHING }).openMs).toBe(0);
  });

  it('keeps far peers, except for short measurements without them, if they make it much faster', () => {
    const trial = fresh();
    play(trial, { ms: 5000, closed: 10, open: 100 });
    expect(play(trial, { ms: 60_000, closed: 10, open: 100 }).openMs).toBeGreaterThan(45_000);
  });

  it('leaves them out if they do not, and becomes less and less frequent', () => {
    const trial = fresh();
    const { openMs: early } = play(trial, { ms: 20_000, closed: 10, open: 12 });
    expect(early).toBeGreaterThan(0);
    play(trial, { ms: 40_000, closed: 10, open: 12 });
    expect(play(trial, { ms: 60_000, closed: 10, open: 12 }).openMs).toBeLessThanOrEqual(2 * 1500);
  });
});
