import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Environment } from './options.js';

/**
 * The home folder of who runs this: HOME, or what the system knows of the user, who may be unknown to it.
 * Throws `invalid` BAD_HOME or `precondition` NO_HOME.
 *
 * @param instead what to do if there is none, such as "name a folder with --data-dir"
 */
export function homeFolder({ HOME: said = '' }: Environment, instead: string): string {
  const home = said === '' ? knownHome() : said;
  if (isAbsolute(home)) return home;
  if (home === '') {
    const message = `there is no home folder: HOME is not set, and the system knows none of this user: ${instead}`;
    throw new EnjambreError('precondition', 'NO_HOME', message);
  }
  throw new EnjambreError(
    'invalid',
    'BAD_HOME',
    `HOME is ${JSON.stringify(home)}, which is no absolute path: fix that, or ${instead}`,
  );
}

function knownHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '';
  }
}
