import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { play, type Outcome } from './play.js';
import type { Scenario } from './scenario.js';
import type { Size } from './size.js';

/** The built program, from the sources (in tests) and from the build output. */
const PROGRAM = ['dist/apart-main.js', 'apart-main.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));
const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Without root, a new user namespace gives the same rights. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const TIMEOUT_MS = 600_000;

/** Plays a scenario where it has to be played: an attacker with a host of its own needs network namespaces. */
export async function playSomewhere(scenario: Scenario, size: Size): Promise<Outcome> {
  if (!scenario.isApart) return play(scenario, size);
  if (PROGRAM === undefined) throw new Error('the attacker is not built: run `make build`');
  const args = [...NAMESPACES, ...AS_ROOT, process.execPath, PROGRAM, scenario.name, JSON.stringify(size)];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)('unshare', args, { env, timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Outcome;
}
