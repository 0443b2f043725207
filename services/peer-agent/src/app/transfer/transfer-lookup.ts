import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { sameName } from '@enjambre/core/names';
import { withDigits, withName } from '@enjambre/core/named';
import { chooseFile, firstOf, versionRef, type Choice } from '../../domain/choose-file.js';
import { byPublisher } from '../../domain/publication.js';
import { findByRef, meansName, parseRef, type TransferRef } from '../../domain/transfer-ref.js';
import { queryOf } from './download-source.js';
import { identityOfRecord, type Identity } from '../agent/identity.js';
import type { FindOptions, SharedFile, TrackerPort } from '../ports/tracker.js';
import type { Transfer } from './transfer.js';

export interface TransferLookupComponents {
  readonly tracker: TrackerPort;
  readonly transfers: ReadonlyMap<InfoHash, Transfer>;
}

/** Resolves refs, among the transfers of this agent and in the catalogue. */
export class TransferLookup {
  constructor(private readonly parts: TransferLookupComponents) {}

  /** Throws `invalid` BAD_REF, `not-found` UNKNOWN_REF, `precondition` AMBIGUOUS_REF. */
  get(ref: string): Transfer {
    const transfer = this.#findOwn(parseRef(ref));
    if (transfer) return transfer;
    const metadata = { remedy: 'see-transfers' };
    throw new EnjambreError('not-found', 'UNKNOWN_REF', `this agent has no transfer "${ref}"`, { metadata });
  }

  /**
   * Also searches the catalogue, where another file may have the name: by a name, the newest version of its publisher is
   * meant. Throws as {@link get} and {@link chooseFile} do, and `unavailable` NO_TRACKER.
   *
   * @param publisher see {@link chooseFile}
   */
  async identify(ref: TransferRef, publisher = ''): Promise<Identity> {
    if (publisher !== '' && ref.kind === 'infohash') throw publisherOfInfohash();
    const own = 'infohash' in ref ? this.parts.transfers.get(ref.infohash) : undefined;
    if (own) return identityOfRecord(own.record);
    const mine = this.#ownNamed(ref);
    const { tracker } = this.parts;
    const isAway = mine.length > 0 && !tracker.connected;
    const shared = isAway
      ? []
      : await this.#findShared(ref, publisher).catch((error: unknown) => {
          if (mine.length > 0) return [];
          throw error;
        });
    const listed = new Set(shared.map(({ infohash }) => infohash));
    const unlisted = mine
      .filter(({ infohash }) => !listed.has(infohash))
      .map((transfer) => ownChoice(transfer, shared));
    const found = chooseFile<Choice | SharedFile>(ref, [...unlisted, ...shared], publisher);
    if (found) {
      const { infohash, name } = found;
      const publications = firstOf(found.publications, publisher);
      // Where publishers disagree, the size is whatever the metainfo says.
      const size = 'disputed' in found && found.disputed ? 0 : found.size;
      return { infohash, name, size, publications, askedByName: meansName(ref, found) };
    }
    const metadata = { remedy: 'see-files' };
    throw new EnjambreError('not-found', 'UNKNOWN_REF', `no peer shares "${queryOf(ref)}"`, { metadata });
  }

  /**
   * Files of exactly that name or infohash; for a version of a name, also those of the name. If the publisher has none,
   * those of all publishers, among which a person can choose.
   */
  async #findShared(ref: TransferRef, publisher: string): Promise<readonly SharedFile[]> {
    const { tracker } = this.parts;
    const asked = versionRef(ref);
    const queries = asked ? [queryOf(ref), asked.name] : [queryOf(ref)];
    const find = async (options: FindOptions): Promise<readonly SharedFile[]> =>
      (await Promise.all(queries.map((query) => tracker.findFiles(query, options)))).flat();
    const its = publisher === '' ? [] : await find({ publisher });
    return its.length > 0 ? its : find({});
  }

  #ownNamed(ref: TransferRef): readonly Transfer[] {
    if (ref.kind === 'infohash') return [];
    const all = [...this.parts.transfers.values()];
    return [
      ...new Set([
        ...withName(ref.name, all),
        ...withDigits(ref.name.trim(), all, ({ infohash }) => infohash),
      ]),
    ];
  }

  #findOwn(ref: TransferRef): Transfer | undefined {
    const { transfers } = this.parts;
    const known = 'infohash' in ref ? transfers.get(ref.infohash) : undefined;
    return known ?? (ref.kind === 'infohash' ? undefined : findByRef(ref, [...transfers.values()]));
  }
}

/** A transfer that the trackers do not list, since it does not run: it is old if they list a newer version. */
function ownChoice({ record }: Transfer, listed: readonly Choice[]): Choice {
  const { publication, name } = record;
  if (!publication) return { ...identityOfRecord(record), publications: [], superseded: false };
  const { publisher, version } = publication;
  const isNewer = (file: Choice): boolean =>
    sameName(file.name, name) && (byPublisher(file, publisher.id)?.version ?? 0) > version;
  return { ...identityOfRecord(record), publications: [publication], superseded: listed.some(isNewer) };
}

function publisherOfInfohash(): EnjambreError {
  const message = 'an infohash identifies one content of any publisher: give a name with a publisher';
  return new EnjambreError('invalid', 'BAD_REF', message);
}
