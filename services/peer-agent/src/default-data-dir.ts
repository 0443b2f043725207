import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where an agent keeps its state unless told otherwise (XDG base directories). */
export function defaultDataDir(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return join(environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'enjambre');
}
