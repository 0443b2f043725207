import { readOrExit } from '@enjambre/common/config/settings';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from '@enjambre/peer-agent/domain/download/config';
import { tableOf, type TimedResult } from './report.js';
import { SCENARIOS } from './scenarios.js';
import { Simulation } from './simulation.js';

const NAMES = SCENARIOS.map(({ name }) => name);
const CONSTANTS = Object.keys(DEFAULT_ENGINE_CONFIG) as (keyof EngineConfig)[];
/** Seeds are 32 bits wide. */
const MOST_SEED = 2 ** 32 - 1;

const { seed, wanted, engine } = readOrExit((settings) => ({
  seed: settings.wholeNumber('SIM_SEED', { default: 1, least: 0, most: MOST_SEED }),
  wanted: settings.choices('SIM_SCENARIO', NAMES, NAMES),
  engine: settings.numbersByName('SIM_ENGINE', CONSTANTS),
}));
const chosen = SCENARIOS.filter(({ name }) => wanted.includes(name)).map((scenario) => ({
  ...scenario,
  engine: { ...scenario.engine, ...engine },
}));

const results: TimedResult[] = [];
for (const scenario of chosen) {
  process.stderr.write(`${scenario.name}: ${scenario.hosts.length} hosts …\n`);
  const startMs = performance.now();
  const result = new Simulation(scenario, seed).run();
  results.push({ result, wallSeconds: (performance.now() - startMs) / 1000 });
}
process.stdout.write(`seed ${seed}${engineText(engine)}; times over the floor\n${tableOf(results)}\n`);
const lines = results.map(({ result: { tookMs, overFloor, ...rest }, wallSeconds }) => ({
  ...rest,
  wallSeconds,
  lastMs: tookMs.at(-1),
  lastOverFloor: overFloor.at(-1),
}));
process.stdout.write(`${JSON.stringify({ simulation: lines, seed, engine })}\n`);

/** Constants that differ from the agent's engine, for the heading. */
function engineText(changed: Partial<EngineConfig>): string {
  return Object.entries(changed)
    .map(([name, value]) => `, ${name} ${value}`)
    .join('');
}
