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
  it('ends right whoever joins, dies or lies, in hundreds of small runs', () => {
    let finished = 0;
    let lost = 0;
    let banned = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const result = new Simulation(randomScenario(seed), seed).run();
      finished += result.finished;
      lost += result.lostPieces.length > 0 ? 1 : 0;
      banned += result.banned.length;
    }
    // The runs are of all kinds: most end well, some cannot, and liars are found.
    expect(finished).toBeGreaterThan(2 * RUNS);
    expect(lost).toBeGreaterThan(5);
    expect(banned).toBeGreaterThan(20);
  }, 120_000);

  it('goes exactly the same for the same seed, and otherwise for another', () => {
    const run = (seed: number): unknown => {
      const result = new Simulation(named('equal-8'), seed).run();
      return { ...result, seed: 0 };
    };
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
  });

  it('takes from one seeder to one downloader hardly longer than the bytes need', () => {
    const { overFloor, seederShare, duplicateShare } = new Simulation(scenario([SEEDER, LINK]), 1).run();
    expect(overFloor[0]).toBeGreaterThanOrEqual(1);
    expect(overFloor[0]).toBeLessThan(1.02);
    expect(seederShare).toBe(1);
    expect(duplicateShare).toBe(0);
  });

  it('fills a downlink from several uplinks, and no more than fills it', () => {
    const four = Array.from({ length: 4 }, () => SEEDER);
    const wide = new Simulation(scenario([...four, { ...LINK, down: 40 * MIB }]), 1).run();
    expect(wide.tookMs[0]).toBeGreaterThanOrEqual(800);
    expect(wide.tookMs[0]).toBeLessThan(1000);
    const narrow = new Simulation(scenario([...four, LINK]), 1).run();
    expect(narrow.tookMs[0]).toBeGreaterThanOrEqual(3200);
    expect(narrow.tookMs[0]).toBeLessThan(3400);
  });

  it.each([1, 2, 3])(
    'spreads a file with hardly more than one copy of it from the seeder, seed %d',
    (seed) => {
      const { finished, seederShare, overFloor } = new Simulation(named('equal-8'), seed).run();
      expect(finished).toBe(8);
      expect(seederShare).toBeLessThan(1.06);
      expect(quantile(overFloor, 1)).toBeLessThan(1.08);
    },
  );

  it('runs with other constants of the engine where a scenario says so', () => {
    const patient = new Simulation({ ...named('equal-8'), engine: { queueSeconds: 10 } }, 1).run();
    const usual = new Simulation(named('equal-8'), 1).run();
    expect(patient.finished).toBe(8);
    // What is asked for long before waits in queues at the end.
    expect(quantile(patient.overFloor, 1)).toBeGreaterThan(quantile(usual.overFloor, 1) + 0.01);
  });

  it('lets late ones join when the others are half done, and kills when it is told to', () => {
    const late = new Simulation(named('late'), 1).run();
    expect([late.finished, late.downloaders]).toEqual([8, 8]);
    const churn = new Simulation(named('churn'), 1).run();
    expect([churn.finished, churn.downloaders]).toEqual([6, 6]);
  });

  it('lets a piece into a zone hardly more often than it must, if hosts know where they are', () => {
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

  it('ends a run in which a zone has what never came in', () => {
    const simulation = new Simulation(
      scenario([
        { ...SEEDER, zone: 'a' },
        { ...LINK, zone: 'b' },
      ]),
      1,
    );
    Object.defineProperty(simulation.tally.crossed, 'get', { value: () => 0 });
    expect(() => simulation.run()).toThrow(/zone b has more than came in/);
  });

  it('is slowed down by a slow disk, and keeps its bound on memory', () => {
    const result = new Simulation(scenario([SEEDER, { ...LINK, diskRate: 2 * MIB }]), 1).run();
    expect(result.tookMs[0]).toBeGreaterThanOrEqual(16_000);
    expect(result.maxOutstandingBytes).toBeLessThanOrEqual(32 * MIB + 256 * KIB);
  });

  it('says which pieces died with their only holder, and does not wait for them', () => {
    const result = new Simulation(scenario([{ ...SEEDER, dies: { ms: 1500 } }, LINK, LINK]), 1).run();
    expect(result.finished).toBe(0);
    expect(result.lostPieces.length).toBeGreaterThan(10);
  });

  it('bans who sends wrong bytes, and nobody else', () => {
    const liar = { ...SEEDER, corruptsEvery: 3 };
    const result = new Simulation(scenario([SEEDER, liar, LINK, LINK]), 1).run();
    expect(result.banned).toEqual([1]);
    expect(result.finished).toBe(2);
    expect(result.spoiltBytes).toBeGreaterThan(0);
  });

  it('chokes those for whom there is no slot, and serves them in their turn', () => {
    const hosts = [SEEDER, ...Array.from({ length: 300 }, () => LINK)];
    const content = { bytes: 512 * KIB, pieceLength: 256 * KIB, blockLength: 256 * KIB };
    expect(new Simulation(scenario(hosts, { content }), 1).run().finished).toBe(300);
  });

  it('ends a run that broke a rule with what it takes to repeat it', () => {
    const simulation = new Simulation(scenario([SEEDER, LINK]), 42);
    const [, downloader] = simulation.hosts;
    expect(() => {
      simulation.verified(downloader!, 3);
      simulation.verified(downloader!, 3);
    }).toThrow(/verified twice .*SIM_SCENARIO=test SIM_SEED=42/);
  });

  it('takes the quantiles of ascending numbers by nearest rank', () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect([0.5, 0.99, 0.999, 1].map((q) => quantile(numbers, q))).toEqual([500, 990, 999, 1000]);
  });
});
