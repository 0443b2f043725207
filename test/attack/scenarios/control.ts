import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** "HOST:PORT" of the control port of the agent "controlled". */
const addresses = new WeakMap<Stage, string>();
const NAME = 'controlled';

/** Wrong tokens at a control port, and the data folder through it with the right token. */
export const controlTokens: Scenario = {
  name: 'control',
  about: '200 wrong control tokens a second, and the data folder with the right one',
  victim: 'seeder',
  count: 200,
  prepare: async (stage) => {
    const { agent } = await stage.startAgent(NAME, ['--control', '127.0.0.1:0']);
    const control = await agent.process.waitForLog(
      ({ control }) =>
        [control].flat().find((at): at is string => typeof at === 'string' && !at.startsWith('unix:')),
      'its control port',
    );
    addresses.set(stage, control);
    return { seeder: control };
  },
  check: async (stage) => {
    const { dataDir } = stage.swarm.foldersOf(NAME);
    const token = (await readFile(join(dataDir, 'control.token'), 'utf8')).trim();
    const args = ['--agent', addresses.get(stage) ?? '', '--token', token];
    const results: Check[] = [];
    for (const path of [join(dataDir, 'control.token'), dataDir]) {
      const { code, stderr } = await stage.swarm.enjambre(['share', path, ...args]);
      const seen = `exit code ${code} ${stderr}`.slice(0, 100);
      results.push({ what: 'the data folder cannot be shared', holds: code !== 0, seen });
    }
    const { code, stderr } = await stage.swarm.enjambre(['ls', ...args]);
    results.push({ what: 'the right token works', holds: code === 0, seen: stderr.slice(0, 100) });
    return results;
  },
};
