import { basename, dirname } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Place, StoreFactory } from '../ports/store-factory.js';

/** What is known of the transfer that holds a place. */
export interface Holder {
  readonly infohash: InfoHash;
  readonly name: string;
  /** Its content has not got its name yet. */
  readonly pending: boolean;
}

/**
 * Which transfer has, or will have, its content at which place: a download reserves its target
 * from its start until it is removed, also while it is paused or has failed. Claims are made one
 * after the other, so that of two for one place the second is refused.
 */
export class Targets {
  readonly #places = new Map<InfoHash, Held>();
  readonly #serial = new Serial();

  constructor(
    private readonly stores: Pick<StoreFactory, 'relate'>,
    private readonly holderOf: (infohash: InfoHash) => Holder | undefined,
  ) {}

  /** Notes where a transfer is that was there before: it may not be refused any more. */
  hold(infohash: InfoHash, place: Place): void {
    this.#places.set(infohash, held(place));
  }

  release(infohash: InfoHash): void {
    this.#places.delete(infohash);
  }

  /**
   * Reserves a place for a transfer, instead of the one that it had. Throws `already-exists`,
   * TARGET_TAKEN, if it is that of another, or if it lies in a folder that another is to become.
   */
  claim(infohash: InfoHash, place: Place): Promise<void> {
    return this.#serial.run(async () => {
      const wanted = held(place);
      for (const [other, its] of this.#places) {
        if (other !== infohash) await this.#checkApart(wanted, its, other);
      }
      this.#places.set(infohash, wanted);
    });
  }

  async #checkApart(
    { place, loose }: Held,
    { place: its, loose: itsLoose }: Held,
    other: InfoHash,
  ): Promise<void> {
    const holder = this.holderOf(other) ?? { infohash: other, name: its.name, pending: true };
    // Only these are worth a look at the disk.
    if (!holder.pending && loose !== itsLoose) return;
    const relation = await this.stores.relate(place, its);
    if (relation === 'same') throw targetTaken(place, holder);
    if (relation === 'inside' && holder.pending) throw targetInside(place, its, holder);
  }
}

/** Where the content of a transfer is, or will be. */
export function placeOf({ origin, location, movingTo, name }: TransferRecord): Place {
  if (origin) return { folder: dirname(location), name: basename(location) };
  return { folder: movingTo || location, name };
}

interface Held {
  readonly place: Place;
  readonly loose: string;
}

function held(place: Place): Held {
  return { place, loose: looseName(place.name) };
}

/** Names that no file system tells apart have the same; most tell more apart. */
export function looseName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[. ]+$/, '');
}

function targetTaken({ folder, name }: Place, holder: Holder): EnjambreError {
  const id = shortId(holder.infohash);
  const what = holder.pending ? 'is kept for' : 'is the place of';
  const message = `${folder}/${name} ${what} another transfer, ${holder.name} (${id}): choose another folder`;
  const metadata = { setting: 'outputDir', remedy: 'remove-other', transfer: id };
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata });
}

function targetInside({ folder }: Place, its: Place, holder: Holder): EnjambreError {
  const id = shortId(holder.infohash);
  const message = `${folder} lies in ${its.folder}/${its.name}, which is kept for another transfer, ${holder.name} (${id}): choose another folder`;
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata: { setting: 'outputDir' } });
}
