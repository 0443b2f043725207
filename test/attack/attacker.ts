import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import type { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Targets } from './attack.js';
import type { Counts } from './tally.js';

/** The built program, from the sources (in tests) and from the build output. */
const PROGRAM = ['dist/attacker-main.js', 'attacker-main.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** Below the priority of the victims, so that its use of the processor does not make the figures. */
const NICENESS = 10;
const SWING_MS = 60_000;
const NONE: Counts = { refused: {}, ended: {}, held: {}, facts: {}, inFullSwing: false };

export interface AttackInit {
  /** Name of the attack. */
  readonly attack: string;
  readonly targets: Targets;
  /** Strength, such as its number of streams. */
  readonly count: number;
  /** Its address. @default 127.6.6.6 */
  readonly from?: string;
  /** Program and arguments that run it on another host. @default this host */
  readonly through?: readonly string[];
}

/** A separate process that attacks. */
export class Attacker {
  private constructor(private readonly process: ManagedProcess) {}

  /** Starts it, and waits until the attack is at full strength. */
  static async start(
    swarm: ProcessSwarm,
    { from = '127.6.6.6', through = [], ...init }: AttackInit,
  ): Promise<Attacker> {
    if (PROGRAM === undefined) throw new Error('the attacker is not built: run `make build`');
    const order = JSON.stringify({ ...init, from });
    const command = [...through, 'nice', '-n', String(NICENESS), process.execPath, PROGRAM, order];
    const [program = '', ...args] = command;
    const attacker = new Attacker(swarm.spawn(program, args, { env: { NODE_OPTIONS: undefined } }));
    await waitFor(() => attacker.counts.inFullSwing || !attacker.process.isRunning, {
      what: `the attack ${init.attack} at full strength`,
      timeoutMs: SWING_MS,
      seen: () => attacker.counts,
    });
    return attacker;
  }

  get counts(): Counts {
    const line = this.process.stdout.at(-1);
    return line === undefined ? NONE : (JSON.parse(line) as Counts);
  }

  /** Ends it. Returns its last counts. Throws if the program failed. */
  async stop(): Promise<Counts> {
    await this.process.stop();
    const { counts } = this;
    if (this.process.stderr.length > 0) throw new Error(this.process.stderr.slice(0, 10).join('\n'));
    return counts;
  }
}
