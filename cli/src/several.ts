import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { EnjambreError } from '@enjambre/core/error';
import { withAgent } from './agent-client.js';
import type { Session } from './context.js';
import { EXIT, failureOf, reportFailure, ReportedFailure, type ExitCode } from './exit.js';
import type { Output } from './output.js';

/**
 * The failures of a command with several arguments: one is reported at once and does not stop the others, and the
 * exit code is the highest. Ctrl-C and an agent that does not answer stop all.
 */
export class Failures {
  #worst: ExitCode = EXIT.done;

  /** @param args all arguments of the command: the failure of a single one is thrown */
  constructor(
    private readonly output: Output,
    private readonly args: readonly string[],
  ) {}

  async attempt(arg: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.args.length === 1 || error instanceof ReportedFailure) throw error;
      const failure = failureOf(error);
      if (failure.exitCode === EXIT.interrupted || failure.exitCode === EXIT.unreachable) throw error;
      reportFailure(failure, this.output, arg);
      if (failure.exitCode > this.#worst) this.#worst = failure.exitCode;
    }
  }

  /** Throws {@link ReportedFailure} if an attempt failed. */
  end(): void {
    if (this.#worst !== EXIT.done) throw new ReportedFailure(this.#worst);
  }
}

/** Runs `work` for each argument in turn; see {@link Failures}. */
export async function forEach(
  { output }: Session,
  args: readonly string[],
  work: (arg: string) => Promise<void>,
): Promise<void> {
  const failures = new Failures(output, args);
  for (const arg of args) await failures.attempt(arg, () => work(arg));
  failures.end();
}

/** Transfers that a command applies to: those named, or with `--all` those in a fitting state. */
export interface Selection {
  readonly refs: readonly string[];
  readonly all: boolean;
}

const STOPPED: ReadonlySet<TransferState> = new Set([
  TransferState.PAUSED,
  TransferState.FAILED,
  TransferState.MISSING,
]);

export function isStopped({ state }: Transfer): boolean {
  return STOPPED.has(state);
}

/**
 * The refs of the selected transfers; a hint if `--all` finds none. Throws `invalid`, USAGE, unless either refs or
 * `--all` is given.
 */
export async function selected(
  session: Session,
  { refs, all }: Selection,
  fits: (transfer: Transfer) => boolean = () => true,
): Promise<readonly string[]> {
  if (all === refs.length > 0) {
    const message = all
      ? '--all and REF exclude each other: choose one'
      : 'missing REF: name transfers, or choose all with --all';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  if (!all) return refs;
  const found = (await withAgent(session, (agent) => agent.transfers())).filter(fits);
  if (found.length === 0) session.output.hint('no transfer is in a state for this: see `enjambre ls`');
  return found.map(({ infohash }) => infohash);
}
