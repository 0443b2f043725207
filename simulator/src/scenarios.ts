import type { HostSpec, Scenario } from './scenario.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A link that is as fast either way. */
function host(rate: number, latencyMs: number): HostSpec {
  return { up: rate, down: rate, latencyMs };
}

function many(count: number, spec: HostSpec): HostSpec[] {
  return Array.from({ length: count }, () => spec);
}

/** Megabits a second as bytes a second. */
function mbit(rate: number): number {
  return (rate * 1e6) / 8;
}

const CONTENT = { bytes: 200 * MIB, pieceLength: 256 * KIB, blockLength: 256 * KIB };
const LAB_MS = 0.1;

function equal(downloaders: number, rate: number): Scenario {
  const spec = host(rate, LAB_MS);
  const hosts = [{ ...spec, seeder: true }, ...many(downloaders, spec)];
  return { name: `equal-${downloaders}`, content: CONTENT, hosts };
}

export const SCENARIOS: readonly Scenario[] = [equal(8, mbit(160)), equal(16, mbit(80))];
