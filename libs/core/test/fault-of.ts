import { EnjambreError } from '../src/error.js';

/** The EnjambreError that `run` throws. Rethrows any other error, and throws if there is none. */
export function faultOf(run: () => unknown): EnjambreError {
  try {
    run();
  } catch (error) {
    if (error instanceof EnjambreError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
