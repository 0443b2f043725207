import { join } from 'node:path';
import type { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { EnjambreError } from '@enjambre/core/error';
import { shortId } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { quote } from '@enjambre/core/quote';
import type { Selection } from '../domain/selection.js';
import type { TransferRecord } from '../domain/transfer-record.js';
import { CONTENT_CHANGED, type PieceStore } from './ports/piece-store.js';
import type { FileSummary, Membership } from './ports/tracker.js';
import type { StoreFactory } from './ports/store-factory.js';
import { selectionOf } from './select-files.js';

/** The content of a transfer, once its metainfo is known. */
export interface Content {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  /** What is to be downloaded of it; all of it, unless selected. */
  readonly selection: Selection;
  readonly store: PieceStore;
  /** Sums the sizes of pieces. */
  readonly sum: PieceSum;
}

export function openContent(metainfo: Metainfo, record: TransferRecord, stores: StoreFactory): Content {
  const { origin, location, inPlace } = record;
  const selection = selectionOf(metainfo, record.select);
  const store = origin
    ? stores.original(metainfo, location)
    : stores.download(metainfo, location, inPlace, selection);
  const layout = PieceLayout.of(metainfo);
  return { metainfo, layout, selection, store, sum: new PieceSum(layout) };
}

/** True if the files of a download have their final name, even if not recorded yet: they may then be the user's. */
export function isNamed(store: PieceStore, { location, name }: TransferRecord): boolean {
  return store.path === join(location, name);
}

function summaryOf({ name, totalLength, pieceLength, files }: Metainfo): FileSummary {
  return { name, size: totalLength, pieceLength, fileCount: files.length };
}

/** The membership of a transfer, for the tracker. */
export function membershipOf(record: TransferRecord, metainfo: Metainfo | undefined): Membership {
  const { infohash, origin, sizeBytes, doneBytes, downloadedBytes, uploadedBytes, addedAtMs } = record;
  const { published, publication } = record;
  return {
    infohash,
    origin,
    file: metainfo && summaryOf(metainfo),
    leftBytes: sizeBytes - doneBytes,
    downloadedBytes,
    uploadedBytes,
    addedAtMs,
    signed: [published?.signed, publication?.signed].flatMap((signed) => signed ?? []),
  };
}

/** Sums the sizes of pieces. Caches the last sum: it is read often. */
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

/** Shared files belong to the user: agents never delete them. */
export function notDownloaded({ name, location }: TransferRecord): EnjambreError {
  const message = `${name} was shared from ${location}, not downloaded: delete it there`;
  return new EnjambreError('precondition', 'NOT_DOWNLOADED', message);
}

/** The error for files that would be added to a part under its final name: that folder is not the agent's own. */
export function partInPlace({ name, infohash, location }: TransferRecord): EnjambreError {
  const message = `${location} already has part of ${quote(name)}, and no file is added to it there: remove that part, then download all that you want of it, or download it into another folder`;
  const metadata = { remedy: 'remove-part', transfer: shortId(infohash) };
  return new EnjambreError('precondition', 'PART_IN_PLACE', message, { metadata });
}

/** Reason code sent to peers when a transfer fails. */
export function haltReason(cause: unknown): string {
  const { reason } = EnjambreError.from(cause);
  return reason === CONTENT_CHANGED || reason === 'FILE_CHANGED' ? CONTENT_CHANGED : 'FAILED';
}

/** The error for content that no longer matches its metainfo. */
export function contentChanged(path: string): EnjambreError {
  const message = `${path} is no longer what was shared: share it again to offer its new content, or verify a download to repair it`;
  return new EnjambreError('precondition', CONTENT_CHANGED, message);
}
