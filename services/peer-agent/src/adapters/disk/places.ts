import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import type { Place, PlaceRelation } from '../../app/ports.js';
import { looseName } from '../../app/targets.js';
import type { Probes } from './probes.js';

/** How a place lies to another, whatever paths lead to their folders. */
export async function relatePlaces(place: Place, other: Place, probes: Probes): Promise<PlaceRelation> {
  const [folder, its] = await Promise.all([canonical(place.folder), canonical(other.folder)]);
  const target = join(its, other.name);
  if (folder === target || folder.startsWith(`${target}/`)) return 'inside';
  if (looseName(place.name) !== looseName(other.name)) return 'apart';
  if (folder !== its && !(await isSameFolder(folder, its))) return 'apart';
  return place.name === other.name || (await isOneName(folder, [place.name, other.name], probes))
    ? 'same'
    : 'apart';
}

/** Without symbolic links, as far as it is there. */
async function canonical(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const above = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || above === path) return path;
    return join(await canonical(above), basename(path));
  }
}

/** One folder may have several paths without any link: bind mounts. */
async function isSameFolder(a: string, b: string): Promise<boolean> {
  const looks = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  const [one, two] = looks;
  return one !== undefined && two !== undefined && one.dev === two.dev && one.ino === two.ino;
}

/**
 * True if the file system of `folder` takes two names for one: of other case, of another form of
 * Unicode, with dots at their end. It is tried: the same system does it in one folder and not in another.
 */
async function isOneName(
  folder: string,
  [a, b]: readonly [string, string],
  probes: Probes,
): Promise<boolean> {
  try {
    return await probes.with(folder, async ({ stage }) => {
      await mkdir(join(stage, a));
      await lstat(join(stage, b));
      return true;
    });
  } catch {
    return false;
  }
}
