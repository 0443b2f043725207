import { isAbsolute, join } from 'node:path';
import { homeFolder } from '@enjambre/common/config/home-folder';
import type { Environment } from '@enjambre/common/config/options';

/**
 * Where an agent keeps its state unless told otherwise (XDG base directories, by which a relative
 * XDG_DATA_HOME counts as none). Throws what {@link homeFolder} does.
 */
export function defaultDataDir(environment: Environment): string {
  const { XDG_DATA_HOME: said = '' } = environment;
  const base = isAbsolute(said)
    ? said
    : join(homeFolder(environment, 'name a folder with --data-dir'), '.local', 'share');
  return join(base, 'enjambre');
}
