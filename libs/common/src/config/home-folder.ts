import { userInfo } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Environment } from './options.js';

/**
 * The home folder of the current user: HOME, or else the system's entry for the user, if there is one. Throws
 * `invalid` BAD_HOME or `precondition` NO_HOME.
 *
 * @param instead what to do if there is none, such as "set a folder with --data-dir"
 */
export function homeFolder({ HOME: said = '' }: Environment, instead: string): string {
  const home = said === '' ? knownHome() : said;
  if (isAbsolute(home)) return home;
  if (home === '') {
    const message = `there is no home folder: HOME is not set, and the system has none for this user: ${instead}`;
    throw new EnjambreError('precondition', 'NO_HOME', message);
  }
  throw new EnjambreError(
    'invalid',
    'BAD_HOME',
    `HOME is ${JSON.stringify(home)}, which is not an absolute path: fix that, or ${instead}`,
  );
}

/** The path that `~/…` means; undefined for any other. Throws as {@link homeFolder} does. @param source its flag or file */
export function belowHome(path: string, environment: Environment, source: string): string | undefined {
  if (!path.startsWith('~/')) return undefined;
  return resolve(homeFolder(environment, `write ${source} without ~`), path.slice(2));
}

/** What `find` returns; undefined if that needs a home folder and there is none, as in a container. */
export function unlessHomeless<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof EnjambreError) return undefined;
    throw error;
  }
}

function knownHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '';
  }
}
