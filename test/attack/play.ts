import { layLink } from './hosts.js';
import type { Check, Scenario } from './scenario.js';
import type { Size } from './size.js';
import { Stage } from './stage.js';
import type { Counts } from './tally.js';
import type { VictimFigures } from './victim.js';

/** What was seen of a scenario. */
export interface Outcome {
  readonly scenario: string;
  /** Milliseconds of the honest action; undefined if it did not end in time. */
  readonly aloneMs: number | undefined;
  readonly attackedMs: number | undefined;
  /** Why the honest action failed under attack. */
  readonly failure?: string;
  /** Memory of the victim before the attack. */
  readonly rssBeforeMiB: number;
  readonly alone: VictimFigures;
  readonly attacked: VictimFigures;
  /** True if the victim still runs. */
  readonly isAlive: boolean;
  readonly counts: Counts;
  readonly checks: readonly Check[];
}

/** Plays one scenario on its own stage: the honest action alone, then under attack. */
export async function play(scenario: Scenario, size: Size): Promise<Outcome> {
  const { messagingArgs = [], seederArgs = [], isApart = false } = scenario;
  const stage = await Stage.open({
    ...size,
    messagingArgs,
    seederArgs,
    ...(isApart && { hosts: await layLink() }),
  });
  try {
    const victim = stage.victim(scenario.victim);
    // The first run starts threads and warms up code; it does not count.
    await honest(stage, scenario);
    await victim.reset();
    const aloneMs = await medianOf(size.runs, () => honest(stage, scenario), 0);
    const alone = await victim.figures();
    const targets = (await scenario.prepare?.(stage)) ?? {};
    const rssBeforeMiB = await victim.rssMiB();
    await victim.reset();
    const count = size.isShort ? (scenario.shortCount ?? Math.ceil(scenario.count / 4)) : scenario.count;
    const attacker = await stage.attack({ attack: scenario.attack ?? scenario.name, count, targets });
    let failure: string | undefined;
    const run = (): Promise<number> => honest(stage, scenario);
    const attackedMs = await medianOf(size.runs, run, size.leastMs).catch((error: unknown) => {
      failure = (error as Error).message;
      return undefined;
    });
    const checks = (await scenario.check?.(stage, attacker)) ?? [];
    const attacked = await victim.figures();
    const isAlive = victim.isRunning;
    const seen = await attacker.stop();
    const more = (await scenario.refusals?.(stage, seen)) ?? {};
    const counts = { ...seen, refused: { ...seen.refused, ...more } };
    const figures = { aloneMs, attackedMs, rssBeforeMiB, alone, attacked, isAlive, counts, checks };
    return { scenario: scenario.name, ...figures, ...(failure !== undefined && { failure }) };
  } finally {
    await stage.close();
  }
}

async function honest(stage: Stage, scenario: Scenario): Promise<number> {
  const { size, targets, sha256 } = stage;
  if (scenario.honest !== 'messages')
    return stage.downloader.download(targets.infohash, sha256, size.deadlineMs);
  const startedMs = performance.now();
  for (let number = 0; number < size.messages; number++) {
    const text = `honest ${startedMs} ${number}`;
    await stage.seeder.send(targets.downloaderId, text);
    await stage.downloader.receive(text, size.deadlineMs);
  }
  return performance.now() - startedMs;
}

/** Runs at least `runs` times and for at least `leastMs`. */
async function medianOf(runs: number, run: () => Promise<number>, leastMs: number): Promise<number> {
  const startedMs = performance.now();
  const times: number[] = [];
  while (times.length < runs || performance.now() - startedMs < leastMs) times.push(await run());
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
}
