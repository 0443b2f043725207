import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { TransferRecord } from '../domain/transfer-record.js';
import type { FileSummary, PieceStore, ProgressLog, StoreFactory } from './ports.js';
import { sampleHolds, verifyPieces } from './verification.js';

/** Everything that exists of a transfer once its metainfo is known. */
export interface Content {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  readonly store: PieceStore;
}

export function openContent(metainfo: Metainfo, record: TransferRecord, stores: StoreFactory): Content {
  const { origin, location, inPlace } = record;
  const store = origin ? stores.original(metainfo, location) : stores.download(metainfo, location, inPlace);
  return { metainfo, layout: new PieceLayout(metainfo), store };
}

export function summaryOf({ name, totalLength, pieceLength, files }: Metainfo): FileSummary {
  return { name, size: totalLength, pieceLength, fileCount: files.length };
}

/**
 * Pieces on disk that can be believed without reading all of them: those of complete
 * content that looks as it did, or those that the progress log claims, the unsure ones
 * hashed. Undefined if what is there contradicts the records: then all must be hashed.
 */
export async function believedPieces(
  { layout, store }: Content,
  record: TransferRecord,
  { progress, signal }: { progress: ProgressLog; signal: AbortSignal },
): Promise<Bitfield | undefined> {
  const parts = { layout, store, signal };
  if (record.complete) {
    const all = Bitfield.full(layout.pieceCount);
    const unchanged = record.fingerprint !== '' && (await store.fingerprint()) === record.fingerprint;
    return unchanged && (await sampleHolds(all, parts)) ? all : undefined;
  }
  const { have, unsure } = await progress.load(layout.pieceCount);
  if (!(await sampleHolds(have, parts))) return undefined;
  for (const piece of (await verifyPieces(unsure, parts)).indexes()) have.set(piece);
  return have;
}

export function* allPieces(layout: PieceLayout): Iterable<number> {
  for (let piece = 0; piece < layout.pieceCount; piece++) yield piece;
}

/** Sums the sizes of pieces; remembers the last sum, since it is asked for often. */
export class PieceSum {
  #count = -1;
  #bytes = 0;

  constructor(private readonly layout: PieceLayout) {}

  of(have: Bitfield): number {
    if (this.#count !== have.count) {
      this.#count = have.count;
      this.#bytes = 0;
      for (const piece of have.indexes()) this.#bytes += this.layout.pieceSize(piece);
    }
    return this.#bytes;
  }
}

export function contentChanged(path: string): EnjambreError {
  return new EnjambreError(
    'precondition',
    'CONTENT_CHANGED',
    `${path} is not what was shared any more: share it again to offer what it is now`,
  );
}
