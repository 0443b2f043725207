import { cpus } from 'node:os';
import { join } from 'node:path';
import { judge } from './goals.js';
import { playSomewhere } from './play-apart.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { FULL, SHORT, type Size } from './size.js';
import { tableOf, type Row } from './table.js';

/**
 * The hostile suite: `make attack`. ATTACK_SCENARIO chooses scenarios by name, ATTACK_TARGET the checkout of another
 * version, ATTACK_SHORT=1 the size of `make test`; `--json` prints JSON lines. Exits 1 if a goal is missed.
 */
const { ATTACK_SCENARIO, ATTACK_TARGET, ATTACK_SHORT } = process.env;
const isJson = process.argv.includes('--json');
const size: Size = {
  ...(ATTACK_SHORT ? SHORT : FULL),
  ...(ATTACK_TARGET && { command: join(ATTACK_TARGET, 'cli/bin/enjambre.js') }),
};

const chosen = choose(ATTACK_SCENARIO);
const rows: Row[] = [];
for (const scenario of chosen) {
  if (!isJson) process.stderr.write(`${scenario.name}: ${scenario.about}\n`);
  const row = await rowOf(scenario);
  rows.push(row);
}
if (!isJson) process.stdout.write(`${heading()}\n\n${tableOf(rows)}\n`);
process.exit(rows.every(({ goals }) => goals.every(({ isMet }) => isMet)) ? 0 : 1);

async function rowOf(scenario: Scenario): Promise<Row> {
  try {
    const outcome = await playSomewhere(scenario, size);
    const goals = judge(scenario, outcome);
    if (isJson) process.stdout.write(`${JSON.stringify({ ...outcome, goals })}\n`);
    else process.stderr.write(`${tableOf([{ scenario: scenario.name, goals }]).split('\n')[2] ?? ''}\n`);
    return { scenario: scenario.name, goals };
  } catch (error) {
    const failure = {
      name: 'check',
      isMet: false,
      figure: (error as Error).message,
      isTimed: false,
    } as const;
    if (isJson) process.stdout.write(`${JSON.stringify({ scenario: scenario.name, goals: [failure] })}\n`);
    else process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    return { scenario: scenario.name, goals: [failure] };
  }
}

function choose(names: string | undefined): readonly Scenario[] {
  if (!names) return scenarios;
  return names.split(',').map((name) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (!scenario)
      throw new Error(`there is no scenario ${name}: ${scenarios.map((one) => one.name).join(', ')}`);
    return scenario;
  });
}

function heading(): string {
  const target = ATTACK_TARGET ?? 'this version';
  return `${target}; ${cpus().length} cores, shared by victims, honest agents and the attacker (nice 10); honest file ${size.fileBytes / 1e6} MB, median of ${size.runs}; missed goals in bold`;
}
