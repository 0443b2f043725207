import { basename, dirname, join } from 'node:path';
import type { Metainfo } from '@enjambre/core/metainfo';
import { StepCount, type Steps } from '@enjambre/core/steps';
import { turns } from '@enjambre/common/async/turns';
import { placesOf } from '../../domain/copies.js';
import type { ScannedContent, WatchedFolder } from '../ports/sharing.js';
import type { TransferArchive } from '../ports/archives.js';
import type { Transfer } from '../transfer/transfer.js';
import type { Transfers } from '../transfer/transfers.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface FolderOffersComponents {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly archive: TransferArchive;
  readonly folder: WatchedFolder;
}

/**
 * The shares of a shared folder: all those whose path is directly in it, even if a user made them. So only the paths
 * need to be remembered.
 */
export class FolderOffers {
  /** Downloads into the folder, by name. */
  #downloads = new Map<string, Transfer[]>();
  #sortedAtMs = -Infinity;

  /** @param freshMs delay until new downloads are noticed: there may be very many transfers to search */
  constructor(
    private readonly parts: FolderOffersComponents,
    private readonly freshMs: number,
  ) {}

  /** Names of the entries with shares. */
  names(): Set<string> {
    const names = new Set<string>();
    const { transfers, folder } = this.parts;
    for (const { home } of transfers.all()) {
      for (const { origin, location } of placesOf(home))
        if (origin && dirname(location) === folder.path) names.add(basename(location));
    }
    return names;
  }

  /** All shares of an entry. */
  of(name: string): readonly Transfer[] {
    return this.parts.transfers.sharesAt(join(this.parts.folder.path, name));
  }

  /** Shares of an entry with a changed file. */
  async outdated(name: string): Promise<Transfer[]> {
    const shares = this.of(name);
    const path = join(this.parts.folder.path, name);
    const unchanged = await Promise.all(shares.map((transfer) => isUnchanged(transfer, path)));
    return shares.filter((_, index) => !unchanged[index]);
  }

  /** Shares of an entry that match its current content, judged by names, sizes and times. */
  async sameAs(name: string, content: ScannedContent): Promise<Transfer[]> {
    const same: Transfer[] = [];
    for (const transfer of this.of(name)) {
      const path = join(this.parts.folder.path, name);
      if (transfer.state === 'failed' || !(await isUnchanged(transfer, path))) continue;
      const metainfo = await this.parts.archive.readMetainfo(transfer.infohash);
      if (metainfo && (await turns.run(hasSameFiles(metainfo, content)))) same.push(transfer);
    }
    return same;
  }

  /** True if the entry is a download of this agent, in progress or complete: it must not be shared as an original. */
  async isDownload(name: string): Promise<boolean> {
    for (const transfer of this.#sorted().get(name) ?? []) {
      const { complete, inPlace } = transfer.record;
      if (!inPlace || transfer.state === 'failed' || !this.parts.transfers.has(transfer)) continue;
      // An incomplete or missing download still counts as the download.
      if (!complete || transfer.state === 'missing') return true;
      if (await isUnchanged(transfer, join(this.parts.folder.path, name))) return true;
    }
    return false;
  }

  #sorted(): ReadonlyMap<string, readonly Transfer[]> {
    if (this.parts.clock.nowMs() - this.#sortedAtMs < this.freshMs) return this.#downloads;
    this.#downloads = new Map();
    const { path } = this.parts.folder;
    for (const transfer of this.parts.transfers.all()) {
      const isHere = placesOf(transfer.home).some(({ origin, location }) => !origin && location === path);
      if (!isHere) continue;
      const before = this.#downloads.get(transfer.name);
      if (before) before.push(transfer);
      else this.#downloads.set(transfer.name, [transfer]);
    }
    this.#sortedAtMs = this.parts.clock.nowMs();
    return this.#downloads;
  }
}

/** True on errors: the transfer itself then fails, with the reason. */
function isUnchanged(transfer: Transfer, path: string): Promise<boolean> {
  return transfer.isUnchanged(path).catch(() => true);
}

function* hasSameFiles(metainfo: Metainfo, content: ScannedContent): Steps<boolean> {
  if (metainfo.isFolder !== content.isFolder || metainfo.files.length !== content.files.length) return false;
  const facts = (path: readonly string[], length: number, executable: boolean): string =>
    JSON.stringify([content.isFolder ? path : [], length, executable]);
  const shared = new Set<string>();
  const step = new StepCount();
  for (const { path, length, executable } of metainfo.files) {
    shared.add(facts(path, length, executable === true));
    if (step.isFull()) yield;
  }
  for (const { path, length, executable } of content.files) {
    if (!shared.has(facts(path, length, executable))) return false;
    if (step.isFull()) yield;
  }
  return true;
}
