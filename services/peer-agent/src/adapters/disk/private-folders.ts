import { lstat, realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { IDENTITY_FILE } from '@enjambre/common/trust/member-paths';
import { TOKEN_FILE } from '../state/secrets.js';

export interface PrivateFoldersInit {
  /** The agent's data folder. */
  readonly dataDir: string;
  /** Default target of downloads; it may be in the data folder. */
  readonly downloadDir: string;
}

/** The folder in a data folder whose content is not secret. */
const DOWNLOADS = 'downloads';

/** Files beside the identity in every agent's data folder, and hardly elsewhere. */
const BESIDE_IDENTITY = ['download_status.json', 'transfers', TOKEN_FILE] as const;

/**
 * Data folders of agents, which hold their keys and tokens: nothing in them is shared, and no download is written into
 * them. The agent's own folder is recognised by device and inode, so that neither links nor bind mounts hide it; that
 * of another agent by the names of its files. The download folder inside a data folder does not belong to it.
 */
export class PrivateFolders {
  constructor(private readonly init: PrivateFoldersInit) {}

  /** The current private folders: they may be moved or mounted while the agent runs. */
  async look(): Promise<PrivateLook> {
    const { dataDir, downloadDir } = this.init;
    const secrets = await Promise.all([IDENTITY_FILE, TOKEN_FILE].map((name) => keyOf(join(dataDir, name))));
    return new PrivateLook({
      dataDir,
      data: await keyOf(dataDir),
      downloads: await keyOf(downloadDir),
      secrets: new Set(secrets.filter((key) => key !== undefined)),
    });
  }

  /**
   * Throws `precondition` IN_DATA_FOLDER if files written to `folder`, which need not exist, end up in an agent's data
   * folder.
   */
  async checkWritable(folder: string): Promise<void> {
    const look = await this.look();
    const inside = await look.dataFolderAround(await nearestReal(folder));
    if (inside === undefined) return;
    const message = `${folder} is in the data folder ${inside} of an agent, with its keys: choose another folder`;
    throw new EnjambreError('precondition', 'IN_DATA_FOLDER', message, {
      metadata: { setting: 'outputDir' },
    });
  }

  /** The same for an existing path that a download would replace: it must not hold the agent's data folder either. */
  async checkReplaceable(path: string): Promise<void> {
    await this.checkWritable(path);
    const { dataDir } = this.init;
    const key = await keyOf(path);
    for (let folder = await nearestReal(dataDir); ; folder = dirname(folder)) {
      if (key !== undefined && key === (await keyOf(folder))) {
        const message = `${path} holds the data folder ${dataDir} of this agent, with its keys: choose another folder`;
        const metadata = { setting: 'outputDir' };
        throw new EnjambreError('precondition', 'IN_DATA_FOLDER', message, { metadata });
      }
      if (folder === dirname(folder)) return;
    }
  }
}

interface LookInit {
  readonly dataDir: string;
  readonly data: string | undefined;
  readonly downloads: string | undefined;
  readonly secrets: ReadonlySet<string>;
}

/** A snapshot of the private folders. All path arguments are real paths, without links. */
export class PrivateLook {
  constructor(private readonly init: LookInit) {}

  /** Throws `precondition` IN_DATA_FOLDER if `real` is a data folder or inside one. */
  async checkOutside(real: string): Promise<void> {
    const around = await this.dataFolderAround(real);
    if (around === undefined) return;
    const message = `${real} is in the data folder ${around} of an agent, with its keys: share content from elsewhere`;
    throw new EnjambreError('precondition', 'IN_DATA_FOLDER', message);
  }

  /** The data folder that `real` is or is inside. */
  async dataFolderAround(real: string): Promise<string | undefined> {
    let from = '';
    for (let folder = real; ; folder = dirname(folder)) {
      const key = await keyOf(folder);
      if (key !== undefined && key === this.init.downloads && key !== this.init.data) return undefined;
      if (key !== undefined && key === this.init.data) return this.init.dataDir;
      if (from !== DOWNLOADS && (await hasMarks(folder))) return folder;
      if (folder === dirname(folder)) return undefined;
      from = basename(folder);
    }
  }

  /** Throws `precondition` HOLDS_DATA_FOLDER for a data folder found in content to share. */
  checkFolder(path: string, stats: Pick<BigIntStats, 'dev' | 'ino'>): void {
    if (keyFrom(stats) === this.init.data) throw holdsData(path, this.init.dataDir);
  }

  /** The same, based on the names in a folder. */
  checkNames(path: string, names: ReadonlySet<string>): void {
    const isData = names.has(IDENTITY_FILE) && BESIDE_IDENTITY.some((name) => names.has(name));
    if (isData) throw holdsData(path, path);
  }

  /** Throws `precondition` HOLDS_SECRET for a key or token under any name. */
  checkFile(path: string, stats: Pick<BigIntStats, 'dev' | 'ino'>): void {
    if (!this.init.secrets.has(keyFrom(stats))) return;
    const message = `${path} is a key of this agent: remove it from the content to share`;
    throw new EnjambreError('precondition', 'HOLDS_SECRET', message);
  }
}

/** True if {@link PrivateLook.checkNames} looks for this name. */
export function isMark(name: string): boolean {
  return name === IDENTITY_FILE || (BESIDE_IDENTITY as readonly string[]).includes(name);
}

function holdsData(path: string, dataDir: string): EnjambreError {
  const also = path === dataDir ? `${path} is` : `${path} leads to ${dataDir},`;
  const message = `${also} the data folder of an agent, with its keys: share a folder that does not contain it, or move it`;
  return new EnjambreError('precondition', 'HOLDS_DATA_FOLDER', message, {
    metadata: { setting: 'dataDir' },
  });
}

async function hasMarks(folder: string): Promise<boolean> {
  if (!(await isThere(join(folder, IDENTITY_FILE)))) return false;
  for (const name of BESIDE_IDENTITY) if (await isThere(join(folder, name))) return true;
  return false;
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function keyOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && keyFrom(stats);
}

function keyFrom({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/** The real path of the nearest existing folder above `path`. */
async function nearestReal(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const real = await realpath(folder).catch(() => undefined);
    if (real !== undefined || folder === dirname(folder)) return real ?? folder;
  }
}
