import { basename, dirname, sep } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Place, StoreFactory } from '../ports/store-factory.js';

/** The transfer that holds a place. */
export interface Holder {
  readonly infohash: InfoHash;
  readonly name: string;
  /** Its content does not have its final name yet. */
  readonly pending: boolean;
  /** It is shared from its place. */
  readonly origin: boolean;
}

/**
 * The places of all transfers, present and future. A download reserves its target from its start until it is removed,
 * even while it is paused or failed. Claims run one at a time, so that the second of two for one place is refused.
 */
export class Targets {
  readonly #places = new Map<InfoHash, Held>();
  /** By loose name: a claim is compared with few of very many places. */
  readonly #byName = new Map<string, Set<InfoHash>>();
  readonly #serial = new Serial();

  constructor(
    private readonly stores: Pick<StoreFactory, 'realFolder' | 'relate'>,
    private readonly holderOf: (infohash: InfoHash) => Holder | undefined,
  ) {}

  /** Records the place of an existing transfer, which can no longer be refused. */
  hold(infohash: InfoHash, place: Place): void {
    this.release(infohash);
    const its = held(place);
    this.#places.set(infohash, its);
    const namesakes = this.#byName.get(its.loose);
    if (namesakes) namesakes.add(infohash);
    else this.#byName.set(its.loose, new Set([infohash]));
  }

  release(infohash: InfoHash): void {
    const loose = this.#places.get(infohash)?.loose ?? '';
    this.#places.delete(infohash);
    const namesakes = this.#byName.get(loose);
    namesakes?.delete(infohash);
    if (namesakes?.size === 0) this.#byName.delete(loose);
  }

  /**
   * Reserves a place for a transfer, instead of its previous one. Throws `already-exists` TARGET_TAKEN if another
   * transfer has it, or if it is inside the folder that an unfinished one will become, or would replace something in a
   * shared one; `unavailable` DISK_SILENT.
   *
   * @param replaces it takes the place of other downloads
   */
  claim(infohash: InfoHash, place: Place, replaces = false): Promise<void> {
    return this.#serial.run(async () => {
      const wanted = held(place);
      const folder = await this.stores.realFolder(place.folder);
      // Another place can only be the same if it has this name, and can only contain it if its name is in the path.
      for (const name of new Set([wanted.loose, ...folder.split(sep).map(looseName)])) {
        for (const other of this.#byName.get(name) ?? []) {
          const its = this.#places.get(other);
          if (!its || other === infohash) continue;
          await this.#checkApart(wanted, its, { replaces, ...this.#holder(other, its) });
        }
      }
      this.hold(infohash, place);
    });
  }

  /** The other transfers that have or will have this place. */
  async others(infohash: InfoHash, place: Place): Promise<InfoHash[]> {
    const found: InfoHash[] = [];
    for (const other of [...(this.#byName.get(looseName(place.name)) ?? [])]) {
      const its = this.#places.get(other)?.place;
      if (its && other !== infohash && (await this.stores.relate(place, its)) === 'same') found.push(other);
    }
    return found;
  }

  #holder(infohash: InfoHash, { place: { name } }: Held): Holder {
    return this.holderOf(infohash) ?? { infohash, name, pending: true, origin: false };
  }

  async #checkApart(
    { place, loose }: Held,
    { place: its, loose: itsLoose }: Held,
    holder: Holder & { readonly replaces: boolean },
  ): Promise<void> {
    // Only the remaining cases need a disk access.
    const isShared = holder.replaces && holder.origin;
    if (!holder.pending && !isShared && loose !== itsLoose) return;
    const relation = await this.stores.relate(place, its);
    const isReplaced = holder.replaces && !holder.origin;
    if (relation === 'same' && !isReplaced) throw targetTaken(place, holder);
    if (relation === 'inside' && isShared) throw targetShared(place, its, holder);
    if (relation === 'inside' && holder.pending) throw targetInside(place, its, holder);
  }
}

/** The place of a transfer's content, present or future. */
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

/** Equal for any two names that some file system does not distinguish. */
export function looseName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[. ]+$/, '');
}

function targetTaken({ folder, name }: Place, holder: Holder): EnjambreError {
  const id = shortId(holder.infohash);
  const what = holder.pending ? 'is reserved for' : 'belongs to';
  const message = `${folder}/${name} ${what} another transfer, ${holder.name} (${id}): choose another folder`;
  const remedy = holder.origin || holder.pending ? 'remove-other' : 'replace-other';
  const metadata = { setting: 'outputDir', remedy, transfer: id };
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata });
}

function targetInside({ folder }: Place, its: Place, holder: Holder): EnjambreError {
  const id = shortId(holder.infohash);
  const message = `${folder} is inside ${its.folder}/${its.name}, which is reserved for another transfer, ${holder.name} (${id}): choose another folder`;
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata: { setting: 'outputDir' } });
}

function targetShared({ folder, name }: Place, its: Place, holder: Holder): EnjambreError {
  const id = shortId(holder.infohash);
  const message = `${folder}/${name} is inside ${its.folder}/${its.name}, which this agent shares (${id}), and cannot be replaced: choose another folder`;
  return new EnjambreError('already-exists', 'TARGET_TAKEN', message, { metadata: { setting: 'outputDir' } });
}
