import { EnjambreError } from '../src/error.js';

/** The error that `run` refuses with; anything else that it throws goes through, and no error at all is one. */
export function faultOf(run: () => unknown): EnjambreError {
  try {
    run();
  } catch (error) {
    if (error instanceof EnjambreError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
