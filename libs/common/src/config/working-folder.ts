import { EnjambreError } from '@enjambre/core/error';

/** The working folder of this process. Throws `precondition`, NO_WORKING_FOLDER, if it was removed. */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    const message = 'the working folder was removed: change to an existing folder, or use absolute paths';
    throw new EnjambreError('precondition', 'NO_WORKING_FOLDER', message, { cause: error });
  }
}
