import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';

/** Folders to which control over TCP is confined; undefined for no bound. */
export interface RemoteRoots {
  readonly share?: string | undefined;
  readonly output?: string | undefined;
}

/**
 * Throws `denied` OUTSIDE_ROOT if a path, with all links resolved, is not in the folder that bounds it.
 * A path that does not exist yet counts as what it would be.
 */
export async function checkWithin(
  path: string,
  root: string | undefined,
  use: 'share from' | 'download to',
): Promise<void> {
  // Other faults of the path are reported where it is used.
  if (root === undefined || !isAbsolute(path)) return;
  const [real, bound] = [await resolved(resolve(path)), await resolved(resolve(root))];
  if (real === bound || real.startsWith(bound === sep ? sep : `${bound}${sep}`)) return;
  const message = `${path} is not in ${root}, the only folder that control over TCP may ${use}: choose a path in it, or use the agent's socket`;
  throw new EnjambreError('denied', 'OUTSIDE_ROOT', message);
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || parent === path) throw unreadable(path, error);
    return resolve(await resolved(parent), path.slice(parent.length).replace(/^\/+/, ''));
  }
}

function unreadable(path: string, cause: unknown): EnjambreError {
  const message = `${path} cannot be resolved, and so not be checked against the folder that control over TCP is confined to: choose another path`;
  return new EnjambreError('denied', 'OUTSIDE_ROOT', message, { cause });
}
