import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What one run of a command takes. */
export interface Start {
  readonly seconds: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
}

const run = promisify(execFile);
/** bash reads the resources of an ended child, which Node cannot. */
const TIMED = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1 </dev/null';

/** Runs each command once in every round, in turn, so that changes of the machine's speed meet all of them. */
export async function timeInTurn<Name extends string>(
  commands: Readonly<Record<Name, readonly string[]>>,
  rounds: number,
): Promise<Record<Name, Start[]>> {
  const entries = Object.entries(commands) as [Name, readonly string[]][];
  const starts = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<Name, Start[]>;
  // The first round fills the file cache.
  for (let round = -1; round < rounds; round++)
    for (const [name, command] of entries) {
      const start = await timeOnce(command);
      if (round >= 0) starts[name].push(start);
    }
  return starts;
}

/** Throws if the command fails. */
async function timeOnce(command: readonly string[]): Promise<Start> {
  const { stderr } = await run('bash', ['-ec', TIMED, '-', ...command]);
  const [seconds = NaN, user = NaN, system = NaN] = stderr.trim().split(' ').map(Number);
  return { seconds, cpuSeconds: user + system };
}
