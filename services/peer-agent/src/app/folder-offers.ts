import { basename, dirname } from 'node:path';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { ScannedContent, TransferArchive, WatchedFolder } from './ports.js';
import type { Transfer } from './transfer.js';
import type { Transfers } from './transfers.js';

export interface FolderOffersComponents {
  readonly transfers: Transfers;
  readonly archive: TransferArchive;
  readonly folder: WatchedFolder;
}

/** All transfers of an entry. */
interface Place {
  readonly shares: Transfer[];
  readonly downloads: Transfer[];
}

/**
 * What is offered from a folder. A share is the folder's if it lies directly in it,
 * whoever made it, so nothing more has to be remembered than where it lies.
 */
export class FolderOffers {
  #places = new Map<string, Place>();
  #sortedAtMs = -Infinity;

  /** @param freshMs what others share is noticed after so long: there may be very many transfers to look through */
  constructor(
    private readonly parts: FolderOffersComponents,
    private readonly freshMs: number,
  ) {}

  /** Something was shared: it counts at once. */
  refresh(): void {
    this.#sortedAtMs = -Infinity;
  }

  /** Names of the entries of which something is shared. */
  names(): string[] {
    return [...this.#sorted()].filter(([, { shares }]) => shares.length > 0).map(([name]) => name);
  }

  /** All shares of an entry. */
  of(name: string): Transfer[] {
    const shares = this.#sorted().get(name)?.shares ?? [];
    return shares.filter((transfer) => this.parts.transfers.has(transfer));
  }

  /** Shares of an entry of which a file is not as it was. */
  async outdated(name: string): Promise<Transfer[]> {
    const shares = this.of(name);
    const unchanged = await Promise.all(shares.map(isUnchanged));
    return shares.filter((_, index) => !unchanged[index]);
  }

  /** Shares of an entry that offer just what it is now, told by names, sizes and times. */
  async sameAs(name: string, content: ScannedContent): Promise<Transfer[]> {
    const same: Transfer[] = [];
    for (const transfer of this.of(name)) {
      if (transfer.state === 'failed' || !(await isUnchanged(transfer))) continue;
      const metainfo = await this.parts.archive.readMetainfo(transfer.infohash);
      if (metainfo && hasSameFiles(metainfo, content)) same.push(transfer);
    }
    return same;
  }

  /** True if the entry is a download, under way or offered by whoever downloaded it: no original to share. */
  async isDownload(name: string): Promise<boolean> {
    for (const transfer of this.#sorted().get(name)?.downloads ?? []) {
      const { complete, inPlace } = transfer.record;
      if (!inPlace || transfer.state === 'failed' || !this.parts.transfers.has(transfer)) continue;
      if (!complete || (await isUnchanged(transfer))) return true;
    }
    return false;
  }

  #sorted(): ReadonlyMap<string, Place> {
    if (performance.now() - this.#sortedAtMs < this.freshMs) return this.#places;
    this.#places = new Map();
    const { path } = this.parts.folder;
    for (const transfer of this.parts.transfers.list()) {
      const { origin, location, name } = transfer.record;
      if (origin ? dirname(location) !== path : location !== path) continue;
      const key = origin ? basename(location) : name;
      const place = this.#places.get(key) ?? { shares: [], downloads: [] };
      this.#places.set(key, place);
      (origin ? place.shares : place.downloads).push(transfer);
    }
    this.#sortedAtMs = performance.now();
    return this.#places;
  }
}

/** What cannot be looked at fails by itself, with the reason. */
function isUnchanged(transfer: Transfer): Promise<boolean> {
  return transfer.isUnchanged().catch(() => true);
}

function hasSameFiles(metainfo: Metainfo, content: ScannedContent): boolean {
  if (metainfo.isFolder !== content.isFolder || metainfo.files.length !== content.files.length) return false;
  const facts = (path: readonly string[], length: number, executable: boolean): string =>
    JSON.stringify([content.isFolder ? path : [], length, executable]);
  const shared = new Set(
    metainfo.files.map(({ path, length, executable }) => facts(path, length, executable === true)),
  );
  return content.files.every(({ path, length, executable }) => shared.has(facts(path, length, executable)));
}
