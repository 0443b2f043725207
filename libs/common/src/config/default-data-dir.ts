import { isAbsolute, join } from 'node:path';
import { homeFolder } from './home-folder.js';
import type { Environment } from './options.js';

/**
 * The default folder for an agent's state (XDG base directories; a relative XDG_DATA_HOME is ignored). Throws as
 * {@link homeFolder} does.
 */
export function defaultDataDir(environment: Environment): string {
  const { XDG_DATA_HOME: said = '' } = environment;
  const base = isAbsolute(said)
    ? said
    : join(homeFolder(environment, 'set a folder with --data-dir'), '.local', 'share');
  return join(base, 'enjambre');
}
