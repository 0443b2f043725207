import { EnjambreError } from '@enjambre/core/error';

type Undo = () => unknown;

/** Cleanup at the end, last first: processes, folders, networks. */
export class Cleanup {
  readonly #undos: Undo[] = [];
  #running: Promise<void> | undefined;

  defer(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** A part that may be cleaned up before the rest, and at the latest with it. */
  part(): Cleanup {
    const part = new Cleanup();
    this.defer(() => part.run());
    return part;
  }

  /** Cleans up everything, then throws the first error of a step. Calling it again has no effect. */
  run(): Promise<void> {
    return (this.#running ??= this.#run());
  }

  async #run(): Promise<void> {
    const errors: unknown[] = [];
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** The message of an error for the user; the stack of any other. */
function textOf(error: unknown): string {
  if (error instanceof EnjambreError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Runs a benchmark and cleans up after it, also after a failure, Ctrl-C or SIGTERM. */
export async function runBench(main: (after: Cleanup) => Promise<void>): Promise<void> {
  const after = new Cleanup();
  const interrupted = new AbortController();
  const onSignal = (): void => {
    interrupted.abort();
    void after.run().finally(() => process.exit(130));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await main(after);
  } catch (error) {
    // After an interruption, errors of stopped processes are expected.
    if (!interrupted.signal.aborted) {
      process.stderr.write(`${textOf(error)}\n`);
      process.exitCode = 1;
    }
  }
  await after.run();
}
