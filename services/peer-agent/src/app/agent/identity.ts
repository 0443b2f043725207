import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import type { Publication } from '../../domain/publication.js';
import { NO_FAILURE, NOTHING_COUNTED, type TransferRecord } from '../../domain/transfer-record.js';

/** Identifies a file before its metainfo is known. */
export interface Identity {
  readonly infohash: InfoHash;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** See {@link TransferRecord}. @default false */
  readonly askedByName?: boolean;
  /** Who has published it under that name, first the publisher that was requested. @default nobody is known */
  readonly publications?: readonly Publication[];
}

export function identityOf({
  infohash,
  name,
  totalLength,
}: Pick<Metainfo, 'infohash' | 'name' | 'totalLength'>): Identity {
  return { infohash, name, size: totalLength };
}

/** The identity of content that must have this name, unless it is empty. What others say of it does not count then. */
export function asked(found: Identity, name: string): Identity {
  return name === ''
    ? found
    : { ...found, name, size: found.askedByName ? found.size : 0, askedByName: true };
}

export function identityOfRecord({ infohash, name, sizeBytes }: TransferRecord): Identity {
  return { infohash, name, size: sizeBytes };
}

/**
 * The record of a new transfer.
 *
 * @param init `location`: as in {@link TransferRecord}; `nowMs`: since the Unix epoch
 */
export function newRecord(
  { infohash, name, size, askedByName = false, publications: [publication] = [] }: Identity,
  { origin, location, nowMs }: { origin: boolean; location: string; nowMs: number },
): TransferRecord {
  return {
    infohash,
    name,
    askedByName,
    goal: 'run',
    ...NO_FAILURE,
    warning: '',
    origin,
    location,
    movingTo: '',
    complete: false,
    inPlace: origin,
    ownFiles: 'none',
    assembly: '',
    fingerprint: '',
    replace: 'none',
    publication,
    published: undefined,
    follow: false,
    select: [],
    copies: [],
    recheck: false,
    sizeBytes: size,
    selectedBytes: size,
    doneBytes: 0,
    addedAtMs: nowMs,
    ...NOTHING_COUNTED,
    ...NO_LIMITS,
  };
}
