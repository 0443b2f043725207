import { join } from 'node:path';
import type { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { TransferRecord } from '../domain/transfer-record.js';
import { CONTENT_CHANGED, type PieceStore } from './ports/piece-store.js';
import type { FileSummary, Membership } from './ports/tracker.js';
import type { StoreFactory } from './ports/store-factory.js';

/** Everything that exists of a transfer once its metainfo is known. */
export interface Content {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  readonly store: PieceStore;
  /** Of the pieces that are there. */
  readonly sum: PieceSum;
}

export function openContent(metainfo: Metainfo, record: TransferRecord, stores: StoreFactory): Content {
  const { origin, location, inPlace } = record;
  const store = origin ? stores.original(metainfo, location) : stores.download(metainfo, location, inPlace);
  const layout = PieceLayout.of(metainfo);
  return { metainfo, layout, store, sum: new PieceSum(layout) };
}

/** True if the files of a download have their own name, whatever the record says yet: then they may be a person's. */
export function isNamed(store: PieceStore, { location, name }: TransferRecord): boolean {
  return store.path === join(location, name);
}

function summaryOf({ name, totalLength, pieceLength, files }: Metainfo): FileSummary {
  return { name, size: totalLength, pieceLength, fileCount: files.length };
}

/** What the tracker is told of a transfer. */
export function membershipOf(record: TransferRecord, metainfo: Metainfo | undefined): Membership {
  const { infohash, origin, bytesTotal, bytesDone, bytesDownloaded, bytesUploaded } = record;
  return {
    infohash,
    origin,
    file: metainfo && summaryOf(metainfo),
    bytesLeft: bytesTotal - bytesDone,
    bytesDownloaded,
    bytesUploaded,
  };
}

/** Sums the sizes of pieces; remembers the last sum, since it is asked for often. */
class PieceSum {
  #count = -1;
  #bytes = 0;

  constructor(private readonly layout: PieceLayout) {}

  of(have: Bitfield): number {
    if (this.#count !== have.count) {
      this.#count = have.count;
      this.#bytes = this.layout.bytesOf(have);
    }
    return this.#bytes;
  }
}

/** Originals are their owner's: no agent deletes them. */
export function notDownloaded({ name, location }: TransferRecord): EnjambreError {
  const message = `${name} was shared from ${location}, not downloaded: delete it there yourself`;
  return new EnjambreError('precondition', 'NOT_DOWNLOADED', message);
}

/** What peers are told of a transfer that failed. */
export function haltReason(cause: unknown): string {
  const { reason } = EnjambreError.from(cause);
  return reason === CONTENT_CHANGED || reason === 'FILE_CHANGED' ? CONTENT_CHANGED : 'FAILED';
}

/** Content that is not what its metainfo says any more. */
export function contentChanged(path: string): EnjambreError {
  const message = `${path} is not what was shared any more: share it again to offer what it is now, or verify a download to fetch what is damaged`;
  return new EnjambreError('precondition', CONTENT_CHANGED, message);
}
