import { isAbsolute, join } from 'node:path';
import { homeFolder } from './home-folder.js';
import type { Environment } from './options.js';

/** The default path (XDG base directories; a relative XDG_CONFIG_HOME is ignored). Throws as {@link homeFolder} does. */
export function defaultConfigPath(environment: Environment): string {
  const { XDG_CONFIG_HOME: said = '' } = environment;
  const base = isAbsolute(said)
    ? said
    : join(homeFolder(environment, 'name a file with --config'), '.config');
  return join(base, 'enjambre', 'config.yaml');
}
