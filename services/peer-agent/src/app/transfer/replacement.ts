import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { publisherText, type Publication } from '../../domain/publication.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { TransferArchive } from '../ports/archives.js';
import type { ReplacedContent } from '../ports/piece-store.js';
import type { Place, StoreFactory } from '../ports/store-factory.js';
import type { Identity } from '../agent/identity.js';
import { rulesFor } from './removal.js';
import { placeOf, type Targets } from './targets.js';
import type { Transfer } from './transfer.js';

export interface ReplacementComponents {
  readonly targets: Targets;
  readonly transfers: ReadonlyMap<InfoHash, Transfer>;
  readonly stores: Pick<StoreFactory, 'checkTarget'>;
  readonly archive: Pick<TransferArchive, 'readMetainfo'>;
  /** Ends the part of a transfer at a path. */
  readonly withdraw: (transfer: Transfer, path: string) => Promise<void>;
  readonly remove: (transfer: Transfer) => Promise<unknown>;
}

/** A new version of content that takes the place of an older one. */
export class Replacement {
  constructor(private readonly parts: ReplacementComponents) {}

  /**
   * Throws `already-exists` TARGET_TAKEN if a place has another publisher's content: a file that has a name cannot take
   * the place of one that somebody else published under it.
   *
   * @param chosen the publisher that was requested; empty for none
   */
  async checkPublisher(
    { infohash, publications = [] }: Identity,
    place: Place,
    chosen: string,
  ): Promise<void> {
    const publishers = new Set(publications.map(({ publisher }) => publisher.id));
    for (const other of await this.#others(infohash, place)) {
      const its = other.record.publication?.publisher;
      if (its && !publishers.has(its.id)) throw ofAnother(place, its, other.infohash, chosen);
    }
  }

  /** Removes other unfinished downloads to a place that a newer one takes. */
  async clearWay(infohash: InfoHash, place: Place): Promise<void> {
    for (const other of await this.#others(infohash, place)) {
      const { origin, inPlace } = other.home;
      if (!origin && !inPlace) await this.parts.remove(other);
    }
  }

  /** True if a complete download may replace what has its name. */
  async isAllowed(record: TransferRecord): Promise<boolean> {
    const place = placeOf(record);
    if (record.replace !== 'own') return record.replace === 'any';
    if (await this.#isFree(place)) return true;
    const path = join(place.folder, place.name);
    for (const other of await this.#others(record.infohash, place))
      if (!other.home.origin && (await other.isUnchanged(path))) return true;
    return false;
  }

  /** What other transfers have in the place of a download. */
  async replacedBy(record: TransferRecord): Promise<readonly ReplacedContent[]> {
    const replaced: ReplacedContent[] = [];
    for (const other of await this.#settled(record)) {
      const metainfo = await this.parts.archive.readMetainfo(other.infohash);
      if (metainfo) replaced.push({ metainfo, rules: rulesFor(other.record, { deleteData: true }) });
    }
    return replaced;
  }

  /** Ends the transfers that had their content in the place of a download, which offer it no longer. */
  async supersede(record: TransferRecord): Promise<void> {
    const { folder, name } = placeOf(record);
    for (const other of await this.#settled(record)) await this.parts.withdraw(other, join(folder, name));
  }

  async #settled(record: TransferRecord): Promise<Transfer[]> {
    const others = await this.#others(record.infohash, placeOf(record));
    return others.filter(({ home: { origin, inPlace } }) => !origin && inPlace);
  }

  async #others(infohash: InfoHash, place: Place): Promise<Transfer[]> {
    const others = await this.parts.targets.others(infohash, place);
    return others.flatMap((other) => this.parts.transfers.get(other) ?? []);
  }

  #isFree({ folder, name }: Place): Promise<boolean> {
    return this.parts.stores.checkTarget(folder, name).catch(() => false);
  }
}

function ofAnother(
  { folder, name }: Place,
  publisher: Publication['publisher'],
  infohash: InfoHash,
  chosen: string,
): EnjambreError {
  const what = `${folder}/${name} is a version of ${publisherText(publisher)}, who has not published this file`;
  const [remedy, metadata] =
    chosen === ''
      ? ['choose a publisher, or another folder', { setting: 'publisher', transfer: shortId(infohash) }]
      : [
          'choose another folder',
          { setting: 'outputDir', remedy: 'replace-other', transfer: shortId(infohash) },
        ];
  const message = `${what}: ${remedy}`;
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata });
}
