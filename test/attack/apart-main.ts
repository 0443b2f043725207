import { play } from './play.js';
import { scenarios } from './scenarios.js';
import type { Size } from './size.js';

/** Plays one scenario in the namespaces of this process: `node apart-main.js NAME SIZE`. Prints the outcome as JSON. */
const [name, size = '{}'] = process.argv.slice(2);
const scenario = scenarios.find((one) => one.name === name);
if (!scenario) throw new Error(`there is no scenario ${String(name)}`);
const outcome = await play(scenario, JSON.parse(size) as Size);
process.stdout.write(JSON.stringify(outcome));
process.exit(0);
