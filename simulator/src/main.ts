import { tableOf, type TimedResult } from './report.js';
import { SCENARIOS } from './scenarios.js';
import { Simulation } from './simulation.js';

const seed = Number(process.env['SIM_SEED'] ?? 1);
const wanted = process.env['SIM_SCENARIO'];
const chosen = SCENARIOS.filter(({ name }) => !wanted || name === wanted);
if (chosen.length === 0 || !Number.isSafeInteger(seed)) {
  const names = SCENARIOS.map(({ name }) => name).join(', ');
  process.stderr.write(`SIM_SCENARIO is one of ${names}; SIM_SEED is a whole number\n`);
  process.exit(2);
}

const results: TimedResult[] = [];
for (const scenario of chosen) {
  process.stderr.write(`${scenario.name}: ${scenario.hosts.length} hosts …\n`);
  const startMs = performance.now();
  const result = new Simulation(scenario, seed).run();
  results.push({ result, wallSeconds: (performance.now() - startMs) / 1000 });
}
process.stdout.write(`seed ${seed}; times over the floor\n${tableOf(results)}\n`);
const lines = results.map(({ result: { tookMs, overFloor, ...rest }, wallSeconds }) => ({
  ...rest,
  wallSeconds,
  lastMs: tookMs.at(-1),
  lastOverFloor: overFloor.at(-1),
}));
process.stdout.write(`${JSON.stringify({ simulation: lines, seed })}\n`);
