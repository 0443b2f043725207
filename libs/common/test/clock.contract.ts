import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../src/async/clock.js';

/**
 * Contract of every {@link Clock}.
 *
 * @param advance resolves when `ms` have passed on the clock
 */
export function describeClock(name: string, clock: Clock, advance: (ms: number) => Promise<void>): void {
  describe(name, () => {
    it('calls once after the time', async () => {
      const begunMs = clock.nowMs();
      const calls: number[] = [];
      clock.after(20, () => calls.push(clock.nowMs() - begunMs));
      await advance(100);
      expect(calls).toHaveLength(1);
      expect(calls[0]).toBeGreaterThanOrEqual(19); // Node rounds times down.
    });

    it('calls in the order of their times', async () => {
      const calls: string[] = [];
      clock.after(40, () => calls.push('later'));
      clock.after(10, () => calls.push('sooner'));
      await advance(100);
      expect(calls).toEqual(['sooner', 'later']);
    });

    it('repeats until it is cancelled, also from within a call', async () => {
      let calls = 0;
      const timer = clock.every(10, () => {
        calls += 1;
        if (calls === 3) timer.cancel();
      });
      await advance(200);
      expect(calls).toBe(3);
    });

    it('calls nothing that was cancelled', async () => {
      const calls: string[] = [];
      const timers = [clock.after(10, () => calls.push('once')), clock.every(10, () => calls.push('every'))];
      for (const timer of timers) timer.cancel();
      await advance(50);
      expect(calls).toEqual([]);
      for (const timer of timers) timer.cancel();
    });

    it('calls in the next round, not synchronously', async () => {
      const calls: string[] = [];
      clock.nextRound(() => calls.push('next'));
      expect(calls).toEqual([]);
      await advance(20);
      expect(calls).toEqual(['next']);
    });

    it('ends a sleep after its time, and at once when it is aborted', async () => {
      const abort = new AbortController();
      const [whole, broken] = [clock.sleep(10, abort.signal), clock.sleep(60_000, abort.signal)];
      await advance(50);
      await expect(whole).resolves.toBe(true);
      abort.abort();
      await expect(broken).resolves.toBe(false);
      await expect(clock.sleep(60_000, abort.signal)).resolves.toBe(false);
    });

    it('moves both times on alike', async () => {
      const [nowMs, epochMs] = [clock.nowMs(), clock.epochMs()];
      await advance(50);
      expect(clock.nowMs() - nowMs).toBeGreaterThanOrEqual(49);
      expect(clock.epochMs() - epochMs).toBeGreaterThanOrEqual(48);
      expect(epochMs).toBeGreaterThan(Date.UTC(2025, 0, 1));
    });
  });
}
