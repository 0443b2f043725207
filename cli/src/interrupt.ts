import { EnjambreError } from '@enjambre/core/error';
import { EXIT } from './exit.js';

/**
 * Runs `work` with a signal that aborts at SIGINT; a second SIGINT ends the process.
 * An error that `work` throws after the first SIGINT is reported as an interruption.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort();
  };
  process.on('SIGINT', onSignal);
  try {
    return await work(abort.signal);
  } catch (error) {
    throw abort.signal.aborted ? interruption(error) : error;
  } finally {
    process.off('SIGINT', onSignal);
  }
}

function interruption(error: unknown): EnjambreError {
  if (error instanceof EnjambreError && error.reason === 'INTERRUPTED') return error;
  return new EnjambreError('cancelled', 'INTERRUPTED', 'interrupted', { cause: error });
}
