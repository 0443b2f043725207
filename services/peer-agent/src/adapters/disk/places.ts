import { lstat, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import type { Place, PlaceRelation } from '../../app/ports/store-factory.js';
import { looseName } from '../../app/transfer/targets.js';
import { folderSilent } from './disk-errors.js';
import type { DiskFiles } from './disk-files.js';
import { FolderLooks } from './folder-looks.js';
import type { Probes } from './probes.js';

export interface PlacesComponents {
  readonly files: DiskFiles;
  readonly probes: Probes;
}

/** Many downloads are compared with the same few folders, one after the other; links hardly change meanwhile. */
const KEEP_MS = 2000;

/** How places lie to each other, whatever paths lead to their folders. */
export class Places {
  readonly #canonical: FolderLooks<string>;
  readonly #identities: FolderLooks<string | undefined>;

  constructor(
    private readonly components: PlacesComponents,
    { waitMs }: { readonly waitMs: number },
  ) {
    const { files } = components;
    const init = { waitMs, keepMs: KEEP_MS };
    this.#canonical = new FolderLooks((folder) => canonical(folder, files), init);
    this.#identities = new FolderLooks((folder) => identityOf(folder, files), init);
  }

  /**
   * How a place lies to another. Throws `unavailable`, DISK_SILENT, if the file system of its folder says nothing; of the
   * other's, its path is believed then.
   */
  async relate(place: Place, other: Place): Promise<PlaceRelation> {
    const [mine, others] = await Promise.all([
      this.#canonical.at(place.folder),
      this.#canonical.at(other.folder),
    ]);
    if (!mine) throw folderSilent(place.folder);
    const folder = mine.found;
    const its = others?.found ?? other.folder;
    const target = join(its, other.name);
    if (folder === target || folder.startsWith(`${target}/`)) return 'inside';
    if (looseName(place.name) !== looseName(other.name)) return 'apart';
    if (folder !== its && !(await this.#isSameFolder(folder, its))) return 'apart';
    const isSame = place.name === other.name || (await this.#isOneName(folder, place.name, other.name));
    return isSame ? 'same' : 'apart';
  }

  /** One folder may have several paths without any link: bind mounts. */
  async #isSameFolder(a: string, b: string): Promise<boolean> {
    const [one, two] = await Promise.all([a, b].map((path) => this.#identities.at(path)));
    return one?.found !== undefined && one.found === two?.found;
  }

  /**
   * True if the file system of `folder` takes two names for one: of other case, of another form of
   * Unicode, with dots at their end. It is tried: the same system does it in one folder and not in another.
   */
  async #isOneName(folder: string, a: string, b: string): Promise<boolean> {
    try {
      return await this.components.probes.with(folder, async ({ stage }) => {
        await mkdir(join(stage, a));
        await lstat(join(stage, b));
        return true;
      });
    } catch {
      return false;
    }
  }
}

/** Without symbolic links, as far as it is there. */
async function canonical(path: string, files: DiskFiles): Promise<string> {
  try {
    return await files.realpath(path);
  } catch (error) {
    const above = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || above === path) return path;
    return join(await canonical(above, files), basename(path));
  }
}

async function identityOf(path: string, files: DiskFiles): Promise<string | undefined> {
  const look = await files.stat(path, { bigint: true }).catch(() => undefined);
  return look && `${look.dev}:${look.ino}`;
}
