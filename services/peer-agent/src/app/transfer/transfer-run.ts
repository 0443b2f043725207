/** Work on a transfer, until there is nothing more to do. */
export interface TransferRun {
  readonly abort: AbortController;
  /** Resolves when nothing of it is left to do; it does not reject. */
  readonly done: Promise<void>;
  /** Resolves then, or when it only waits. */
  readonly settled: Promise<void>;
  /** Says that it only waits from now on. */
  readonly rests: () => void;
}

/** @param failed called if it ends with an error before it is aborted */
export function startRun(
  work: (signal: AbortSignal) => Promise<void>,
  failed: (error: unknown) => void,
): TransferRun {
  const abort = new AbortController();
  let rests: () => void = () => undefined;
  const resting = new Promise<void>((resolve) => (rests = resolve));
  const done = work(abort.signal).catch((error: unknown) => {
    if (!abort.signal.aborted) failed(error);
  });
  return { abort, done, settled: Promise.race([done, resting]), rests };
}
