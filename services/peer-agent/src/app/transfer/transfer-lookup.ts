import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { findByRef, meansName, parseRef, type TransferRef } from '../../domain/transfer-ref.js';
import { queryOf } from './download-source.js';
import { identityOfRecord, type Identity } from '../agent/identity.js';
import type { TrackerPort } from '../ports/tracker.js';
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
   * Also searches the catalogue, where another file may have the name. Throws as {@link get} does, and `unavailable`
   * NO_TRACKER.
   */
  async identify(ref: TransferRef): Promise<Identity> {
    const own = this.#findOwn(ref);
    const { tracker } = this.parts;
    const isSure = own && 'infohash' in ref && ref.infohash === own.infohash;
    if (own && (isSure === true || !tracker.connected)) return identityOfRecord(own.record);
    const query = queryOf(ref);
    const shared = await tracker.findFiles(query).catch((error: unknown) => {
      if (own) return [];
      throw error;
    });
    // Where publishers disagree, the size is whatever the metainfo says.
    const others = shared
      .filter(({ infohash }) => infohash !== own?.infohash)
      .map((file) => (file.disputed ? { ...file, size: 0 } : file));
    const found = findByRef(ref, own ? [identityOfRecord(own.record), ...others] : others, {
      strangers: true,
    });
    if (found)
      return {
        infohash: found.infohash,
        name: found.name,
        size: found.size,
        askedByName: meansName(ref, found),
      };
    const metadata = { remedy: 'see-files' };
    throw new EnjambreError('not-found', 'UNKNOWN_REF', `no peer shares "${query}"`, { metadata });
  }

  #findOwn(ref: TransferRef): Transfer | undefined {
    const { transfers } = this.parts;
    const known = 'infohash' in ref ? transfers.get(ref.infohash) : undefined;
    return known ?? (ref.kind === 'infohash' ? undefined : findByRef(ref, [...transfers.values()]));
  }
}
