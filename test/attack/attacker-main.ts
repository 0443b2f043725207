import type { Run, Targets } from './attack.js';
import { attacks } from './attacks.js';
import { Tally } from './tally.js';

/** The attacker: `node attacker-main.js JSON`. Prints its counts as a line of JSON, until SIGTERM. */
interface Order {
  readonly attack: string;
  readonly targets: Targets;
  readonly from: string;
  readonly count: number;
}

const REPORT_MS = 200;

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const attack = attacks[order.attack];
if (!attack) throw new Error(`there is no attack ${order.attack}`);
const tally = new Tally();
const end = new AbortController();
const print = (): void => void process.stdout.write(`${JSON.stringify(tally.counts)}\n`);
const timer = setInterval(print, REPORT_MS);
process.once('SIGTERM', () => end.abort());
// An attack must not end because a victim closes a socket at an unexpected moment.
process.on('uncaughtException', (error) => tally.ended(`attacker: ${error.message}`.slice(0, 60)));
const run: Run = { ...order, tally, signal: end.signal };
await attack(run).catch((error: unknown) => {
  if (!end.signal.aborted) process.stderr.write(`${String((error as Error).stack ?? error)}\n`);
});
tally.inFullSwing = true;
clearInterval(timer);
print();
if (!end.signal.aborted)
  await new Promise<void>((resolve) => {
    const alive = setInterval(print, REPORT_MS);
    end.signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
process.exit(0);
