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

/** Many downloads are compared with the same few folders in succession; links hardly change meanwhile. */
const KEEP_MS = 2000;

/** Determines the relation of places, whatever paths lead to their folders. */
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

  /** Throws `unavailable` DISK_SILENT. */
  async realFolder(folder: string): Promise<string> {
    const look = await this.#canonical.at(folder);
    if (!look) throw folderSilent(folder);
    return look.found;
  }

  /**
   * Relation of a place to another. Throws `unavailable` DISK_SILENT if the file system of its folder does not respond;
   * if that of the other does not, the other's path is used as it is.
   */
  async relate(place: Place, other: Place): Promise<PlaceRelation> {
    const [folder, others] = await Promise.all([
      this.realFolder(place.folder),
      this.#canonical.at(other.folder),
    ]);
    const its = others?.found ?? other.folder;
    const target = join(its, other.name);
    if (folder === target || folder.startsWith(`${target}/`)) return 'inside';
    if (looseName(place.name) !== looseName(other.name)) return 'apart';
    if (folder !== its && !(await this.#isSameFolder(folder, its))) return 'apart';
    const isSame = place.name === other.name || (await this.#isOneName(folder, place.name, other.name));
    return isSame ? 'same' : 'apart';
  }

  /** A folder may have several paths without any link: bind mounts. */
  async #isSameFolder(a: string, b: string): Promise<boolean> {
    const [one, two] = await Promise.all([a, b].map((path) => this.#identities.at(path)));
    return one?.found !== undefined && one.found === two?.found;
  }

  /**
   * True if the file system of `folder` treats two names as one: different case, a different Unicode form, trailing
   * dots. This is tried out: a file system may do it in one folder and not in another.
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

/** The path without symbolic links, as far as it exists. */
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
