import { seededRandom } from '@enjambre/peer-agent/domain/random';
import type { HostSpec, Moment, Scenario } from '../src/scenario.js';

const KIB = 1024;

/** Draws from one seeded source. */
class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** An integer from `from` to `to`. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  /** A number of random magnitude. */
  magnitude(from: number, to: number): number {
    return from * (to / from) ** this.#random();
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  moment(latestMs: number): Moment {
    return this.chance(0.3) ? { share: this.#random() } : { ms: this.whole(0, latestMs) };
  }
}

/**
 * A small random swarm: unequal links, near and far hosts, slow disks, joins and deaths at any
 * time (sometimes the seeder's), and hosts that send some or all blocks bad. The first host is an honest seeder.
 */
export function randomScenario(seed: number): Scenario {
  const dice = new Dice(seed);
  const pieceLength = 64 * KIB * 2 ** dice.whole(0, 3);
  const blockLength = Math.min(pieceLength, 64 * KIB * 2 ** dice.whole(0, 2));
  const bytes = dice.whole(1, 12 * pieceLength);
  const seeders = [host(dice, 0.15)].map((spec) => ({ ...spec, seeder: true }));
  const liars = Array.from({ length: dice.chance(0.3) ? dice.whole(1, 2) : 0 }, () => ({
    ...host(dice, 0.1),
    seeder: dice.chance(0.6),
    corruptsEvery: dice.whole(1, 6),
  }));
  const downloaders = Array.from({ length: dice.whole(1, 7) }, () => ({
    ...host(dice, 0.2),
    ...(dice.chance(0.4) && { joins: dice.moment(8000) }),
  }));
  return {
    name: `random-${seed}`,
    content: { bytes, pieceLength, blockLength },
    hosts: [...seeders, ...liars, ...downloaders],
    ...(dice.chance(0.3) && { noticeMs: dice.whole(0, 15_000) }),
    ...inZones(dice, [...seeders, ...liars, ...downloaders]),
  };
}

/** Sometimes the hosts are in two or three zones with slow paths between them; some do not know it. */
function inZones(
  dice: Dice,
  hosts: readonly HostSpec[],
): Partial<Pick<Scenario, 'hosts' | 'trunk' | 'blind'>> {
  if (!dice.chance(0.4)) return {};
  const zones = ['a', 'b', 'c'].slice(0, dice.whole(2, 3));
  return {
    hosts: hosts.map((spec) => ({ ...spec, zone: zones[dice.whole(0, zones.length - 1)] ?? 'a' })),
    ...(dice.chance(0.7) && { trunk: dice.magnitude(64 * KIB, 20_000 * KIB) }),
    blind: dice.chance(0.2),
  };
}

function host(dice: Dice, mortality: number): HostSpec {
  return {
    up: dice.magnitude(64 * KIB, 20_000 * KIB),
    down: dice.magnitude(64 * KIB, 20_000 * KIB),
    latencyMs: dice.chance(0.5) ? dice.whole(0, 2) : dice.whole(0, 100),
    ...(dice.chance(mortality) && { dies: dice.moment(10_000) }),
    ...(dice.chance(0.2) && { diskRate: dice.magnitude(128 * KIB, 20_000 * KIB) }),
  };
}
