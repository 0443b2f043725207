import type { Outcome } from './play.js';
import type { Scenario } from './scenario.js';

const MAX_SLOWDOWN = 2;
const MAX_MEMORY_MIB = 256;
const MAX_TRACKER_GROWTH_MIB = 128;
const MAX_LAG_MS = 200;

/** One goal of a scenario, and whether it was met. */
export interface Goal {
  readonly name: 'honest' | 'memory' | 'lag' | 'refusal' | 'share' | 'check';
  readonly isMet: boolean;
  /** The figure, as shown in the table. */
  readonly figure: string;
  /** True if the figure depends on the speed of the machine: tests do not assert it. */
  readonly isTimed: boolean;
}

/** Judges what was seen against the goals that hold for every attack. */
export function judge(scenario: Scenario, outcome: Outcome): Goal[] {
  return [
    ...honestGoals(outcome),
    memoryGoal(scenario, outcome),
    {
      name: 'lag',
      isMet: outcome.attacked.lagP99Ms <= MAX_LAG_MS,
      figure: `${outcome.attacked.lagP99Ms.toFixed(0)} ms`,
      isTimed: true,
    },
    ...refusalGoals(scenario, outcome),
    ...shareGoals(scenario, outcome),
    ...outcome.checks.map(({ what, holds, seen }) => ({
      name: 'check' as const,
      isMet: holds,
      figure: holds ? what : `${what}: ${seen}`,
      isTimed: false,
    })),
  ];
}

function honestGoals({ aloneMs, attackedMs, failure }: Outcome): Goal[] {
  if (aloneMs === undefined || attackedMs === undefined)
    return [{ name: 'honest', isMet: false, figure: failure ?? 'not done', isTimed: false }];
  const ratio = attackedMs / aloneMs;
  const figure = `${(aloneMs / 1000).toFixed(2)} → ${(attackedMs / 1000).toFixed(2)} s, ${ratio.toFixed(1)} ×`;
  return [{ name: 'honest', isMet: ratio <= MAX_SLOWDOWN, figure, isTimed: true }];
}

function memoryGoal({ victim }: Scenario, { rssBeforeMiB, attacked, isAlive }: Outcome): Goal {
  const most = victim === 'tracker' ? rssBeforeMiB + MAX_TRACKER_GROWTH_MIB : MAX_MEMORY_MIB;
  const figure = `${rssBeforeMiB.toFixed(0)} → ${attacked.rssPeakMiB.toFixed(0)} MiB`;
  if (!isAlive) return { name: 'memory', isMet: false, figure: 'it ended', isTimed: false };
  return { name: 'memory', isMet: attacked.rssPeakMiB <= most, figure, isTimed: false };
}

function refusalGoals({ isRefused = true, endsByNode = [], victim }: Scenario, { counts }: Outcome): Goal[] {
  const byNode = endsByNode.flatMap((how) => {
    const count = counts.ended[how];
    return count === undefined ? [] : [[`${how} by Node`, count] as const];
  });
  const figure = [...Object.entries(counts.refused), ...byNode]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 2)
    .map(([reason, count]) => `${count} × ${reason}`)
    .join(', ');
  if (!isRefused) return [];
  // When Node ends a connection depends on when it gets to it; an uploader is refused if the download lasts until it is
  // dialed.
  const isTimed = endsByNode.length > 0 || victim === 'downloader';
  return [{ name: 'refusal', isMet: figure !== '', figure: figure === '' ? 'none' : figure, isTimed }];
}

function shareGoals({ share }: Scenario, { counts }: Outcome): Goal[] {
  if (!share) return [];
  const held = counts.held[share.of] ?? counts.facts[share.of] ?? 0;
  const figure = `${held} of ${share.most} ${share.of}`;
  return [{ name: 'share', isMet: held <= share.most, figure, isTimed: false }];
}
