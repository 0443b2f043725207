import { choosePieceLength } from '@enjambre/core/piece-length';
import type { HostSpec, Scenario } from './scenario.js';
import type { ContentSize } from './token-layout.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** One-way latency from a host to the middle: machines of one room, and of one data centre. */
const ROOM_MS = 0.1;
const DATA_CENTRE_MS = 0.25;

/** A host with a symmetric link of `rate` bytes per second. */
function host(rate: number, latencyMs = ROOM_MS): HostSpec {
  return { up: rate, down: rate, latencyMs };
}

function seeder(rate: number, latencyMs = ROOM_MS): HostSpec {
  return { ...host(rate, latencyMs), seeder: true };
}

function many(count: number, spec: HostSpec): HostSpec[] {
  return Array.from({ length: count }, () => spec);
}

/** Converts megabits per second to bytes per second. */
function mbit(rate: number): number {
  return (rate * 1e6) / 8;
}

/** Content cut into pieces as by `enjambre share`. @param blockLength 256 KiB in the agent */
function content(bytes: number, blockLength = 256 * KIB): ContentSize {
  return { bytes, pieceLength: choosePieceLength(bytes), blockLength };
}

/** The scenarios that the lab of the benchmarks runs with real agents (docs/simulator.md). */
const LAB = content(200 * MIB);
const RATE = mbit(160);

const lab: readonly Scenario[] = [
  { name: 'equal-8', content: LAB, hosts: [seeder(RATE), ...many(8, host(RATE))] },
  { name: 'equal-16', content: LAB, hosts: [seeder(mbit(80)), ...many(16, host(mbit(80)))] },
  { name: 'slow-seeder', content: LAB, hosts: [seeder(RATE / 4), ...many(8, host(RATE))] },
  {
    name: 'late',
    content: LAB,
    hosts: [seeder(RATE), ...many(4, host(RATE)), ...many(4, { ...host(RATE), joins: { share: 0.5 } })],
  },
  {
    name: 'churn',
    content: LAB,
    hosts: [seeder(RATE), ...many(6, host(RATE)), ...many(2, { ...host(RATE), dies: { share: 0.5 } })],
  },
];

/** Three zones of many hosts; the path between two zones is as fast as one host's link. */
const zones: Scenario = {
  name: 'zones',
  content: LAB,
  trunk: RATE,
  hosts: [
    { ...seeder(RATE), zone: 'a' },
    ...many(20, host(RATE)).flatMap((spec) => ['a', 'b', 'c'].map((zone) => ({ ...spec, zone }))),
  ],
};

/** Three zones; two of them have a seeder five times slower than those of the third. */
const zonesSlow: Scenario = {
  ...zones,
  name: 'zones-slow-seeders',
  hosts: [
    ...many(3, { ...seeder(RATE), zone: 'a' }),
    { ...seeder(RATE / 5), zone: 'b' },
    { ...seeder(RATE / 5), zone: 'c' },
    ...many(2, host(RATE)).flatMap((spec) => ['b', 'c'].map((zone) => ({ ...spec, zone }))),
  ],
};

/** Kraken's published setting. Blocks are whole pieces, which are already 3.7 million. */
function kraken(name: string, origins: number, hosts: number): Scenario {
  const rate = 300e6;
  return {
    name,
    content: content(3e9, 2 * MIB),
    hosts: [...many(origins, seeder(rate, DATA_CENTRE_MS)), ...many(hosts, host(rate, DATA_CENTRE_MS))],
  };
}

/** The published setting of Dragonfly. */
const dragonfly: Scenario = {
  name: 'dragonfly',
  content: content(30 * GIB),
  hosts: [seeder(GIB, DATA_CENTRE_MS), ...many(10, host(GIB, DATA_CENTRE_MS))],
};

export const SCENARIOS: readonly Scenario[] = [
  ...lab,
  zones,
  { ...zones, name: 'zones-blind', blind: true },
  zonesSlow,
  { ...zonesSlow, name: 'zones-slow-seeders-blind', blind: true },
  dragonfly,
  kraken('kraken-fifth', 1, 520),
  kraken('kraken', 5, 2600),
];
