import { describe, expect, it } from '@jest/globals';
import { quantile } from '../src/result.js';
import type { HostSpec, Scenario } from '../src/scenario.js';
import { SCENARIOS } from '../src/scenarios.js';
import { Simulation } from '../src/simulation.js';
import { randomScenario } from './random-scenario.js';

const RUNS = 400;
const KIB = 1024;
const MIB = 1024 * KIB;
const CONTENT = { bytes: 32 * MIB, pieceLength: 256 * KIB, blockLength: 256 * KIB };
const LINK: HostSpec = { up: 10 * MIB, down: 10 * MIB, latencyMs: 1 };
const SEEDER: HostSpec = { ...LINK, seeder: true };

function scenario(hosts: readonly HostSpec[], more: Partial<Scenario> = {}): Scenario {
  return { name: 'test', content: CONTENT, hosts, ...more };
}

function named(name: string): Scenario {
  return SCENARIOS.find((one) => one.name === name)!;
}

describe('a simulated swarm', () => {
  it('ends correctly with joins, deaths and liars, in hundreds of small runs', () => {
    let finished = 0;
    let lost = 0;
    let banned = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const result = new Simulation(randomScenario(seed), seed).run();
      finished += result.finished;
      lost += result.lostPieces.length > 0 ? 1 : 0;
      banned += result.banned.length;
    }
    // Runs of all kinds occur: most complete, some cannot, and liars are banned.
    expect(finished).toBeGreaterThan(2 * RUNS);
    expect(lost).toBeGreaterThan(5);
    expect(banned).toBeGreaterThan(20);
  }, 120_000);

  it('is identical for the same seed, and different for another', () => {
    const run = (seed: number): unknown => {
      const result = new Simulation(named('equal-8'), seed).run();
      return { ...result, seed: 0 };
    };
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
  });

  it('takes little longer than the link needs from one seeder to one downloader', () => {
    const { overFloor, seederShare, duplicateShare } = new Simulation(scenario([SEEDER, LINK]), 1).run();
    expect(overFloor[0]).toBeGreaterThanOrEqual(1);
    expect(overFloor[0]).toBeLessThan(1.02);
    expect(seederShare).toBe(1);
    expect(duplicateShare).toBe(0);
  });

  it('sends a block whole, whatever its length: large scenarios use blocks of a whole piece', () => {
    const content = { bytes: 32 * MIB, pieceLength: 2 * MIB, blockLength: 2 * MIB };
    const { finished, duplicateShare } = new Simulation(scenario([SEEDER, LINK, LINK], { content }), 1).run();
    expect([finished, duplicateShare]).toEqual([2, 0]);
  });

  it('fills a downlink from several uplinks, and never exceeds it', () => {
    const four = Array.from({ length: 4 }, () => SEEDER);
    const wide = new Simulation(scenario([...four, { ...LINK, down: 40 * MIB }]), 1).run();
    expect(wide.tookMs[0]).toBeGreaterThanOrEqual(800);
    expect(wide.tookMs[0]).toBeLessThan(1000);
    const narrow = new Simulation(scenario([...four, LINK]), 1).run();
    expect(narrow.tookMs[0]).toBeGreaterThanOrEqual(3200);
    expect(narrow.tookMs[0]).toBeLessThan(3400);
  });

  it.each([1, 2, 3])('distributes a file with little more than one copy from the seeder, seed %d', (seed) => {
    const { finished, seederShare, overFloor } = new Simulation(named('equal-8'), seed).run();
    expect(finished).toBe(8);
    expect(seederShare).toBeLessThan(1.06);
    expect(quantile(overFloor, 1)).toBeLessThan(1.08);
  });

  it('runs with other constants of the engine if a scenario sets them', () => {
    const patient = new Simulation({ ...named('equal-8'), engine: { queueSeconds: 10 } }, 1).run();
    const usual = new Simulation(named('equal-8'), 1).run();
    expect(patient.finished).toBe(8);
    // Blocks requested long before wait in queues at the end.
    expect(quantile(patient.overFloor, 1)).toBeGreaterThan(quantile(usual.overFloor, 1) + 0.01);
  });

  it('lets hosts join when the others are half done, and kills hosts on time', () => {
    const late = new Simulation(named('late'), 1).run();
    expect([late.finished, late.downloaders]).toEqual([8, 8]);
    const churn = new Simulation(named('churn'), 1).run();
    expect([churn.finished, churn.downloaders]).toEqual([6, 6]);
  });

  it('sends a piece into a zone little more often than necessary, if hosts know their zone', () => {
    const zoned = (count: number, spec: HostSpec): HostSpec[] =>
      Array.from({ length: count }, () => ['a', 'b', 'c'].map((zone) => ({ ...spec, zone }))).flat();
    const hosts = [{ ...SEEDER, zone: 'a' }, ...zoned(5, LINK)];
    const knowing = new Simulation(scenario(hosts), 1).run();
    const blind = new Simulation(scenario(hosts, { blind: true }), 1).run();
    expect([knowing.finished, blind.finished]).toEqual([15, 15]);
    // Two zones without a seeder: less than twice is impossible.
    expect(knowing.crossedShare).toBeGreaterThanOrEqual(2);
    expect(knowing.crossedShare).toBeLessThan(5);
    expect(blind.crossedShare).toBeGreaterThan(2 * knowing.crossedShare * 0.9);
  });

  it('ends a run in which a zone has content that never came in', () => {
    const simulation = new Simulation(
      scenario([
        { ...SEEDER, zone: 'a' },
        { ...LINK, zone: 'b' },
      ]),
      1,
    );
    Object.defineProperty(simulation.tally.crossed, 'get', { value: () => 0 });
    expect(() => simulation.run()).toThrow(/zone b has more than the \d+ bytes that came in/);
  });

  it('is slowed down by a slow disk, and keeps its bound on memory', () => {
    const result = new Simulation(scenario([SEEDER, { ...LINK, diskRate: 2 * MIB }]), 1).run();
    expect(result.tookMs[0]).toBeGreaterThanOrEqual(16_000);
    expect(result.maxOutstandingBytes).toBeLessThanOrEqual(32 * MIB + 256 * KIB);
  });

  it('reports the pieces that died with their only holder, and does not wait for them', () => {
    const result = new Simulation(scenario([{ ...SEEDER, dies: { ms: 1500 } }, LINK, LINK]), 1).run();
    expect(result.finished).toBe(0);
    expect(result.lostPieces.length).toBeGreaterThan(10);
  });

  it('bans the hosts that send bad bytes, and no others', () => {
    const liar = { ...SEEDER, corruptsEvery: 3 };
    const result = new Simulation(scenario([SEEDER, liar, LINK, LINK]), 1).run();
    expect(result.banned).toEqual([1]);
    expect(result.finished).toBe(2);
    expect(result.spoiltBytes).toBeGreaterThan(0);
  });

  it('chokes downloaders without a slot, and serves them in their turn', () => {
    const hosts = [SEEDER, ...Array.from({ length: 300 }, () => LINK)];
    const content = { bytes: 512 * KIB, pieceLength: 256 * KIB, blockLength: 256 * KIB };
    expect(new Simulation(scenario(hosts, { content }), 1).run().finished).toBe(300);
  });

  it('ends a run that violates an invariant with the command to repeat it', () => {
    const simulation = new Simulation(scenario([SEEDER, LINK]), 42);
    const [, downloader] = simulation.hosts;
    expect(() => {
      simulation.verified(downloader!, 3);
      simulation.verified(downloader!, 3);
    }).toThrow(/verified twice .*SIM_SCENARIO=test SIM_SEED=42/);
  });

  it('computes the quantiles of ascending numbers by nearest rank', () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect([0.5, 0.99, 0.999, 1].map((q) => quantile(numbers, q))).toEqual([500, 990, 999, 1000]);
  });
});
