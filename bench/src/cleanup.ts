import { EnjambreError } from '@enjambre/core/error';

type Undo = () => unknown;

/** What is to be undone at the end, the last first: processes, folders, networks. */
export class Cleanup {
  readonly #undos: Undo[] = [];
  #running: Promise<void> | undefined;

  defer(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** A part that may be undone before the rest, and is undone with it. */
  part(): Cleanup {
    const part = new Cleanup();
    this.defer(() => part.run());
    return part;
  }

  /** Undoes everything, whatever fails on the way; then throws the first error. Once is enough. */
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

/** A sentence if it is for whoever runs the benchmark, else all that helps to find the defect. */
function textOf(error: unknown): string {
  if (error instanceof EnjambreError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Runs a benchmark, and undoes what it did at its end, also after a failure, Ctrl-C or SIGTERM. */
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
    // What was stopped under it complains: nobody wants to know.
    if (!interrupted.signal.aborted) {
      process.stderr.write(`${textOf(error)}\n`);
      process.exitCode = 1;
    }
  }
  await after.run();
}
