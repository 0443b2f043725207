import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';

/**
 * The files of a torrent that a download fetches, and their pieces. Each non-empty file starts a new piece (BEP 52), so
 * no piece belongs to a selected file and to another.
 */
export class Selection {
  /** The pieces of the selected files. Do not modify. */
  readonly pieces: Bitfield;
  /** Sum of the sizes of the selected files. */
  readonly bytes: number;
  readonly fileCount: number;
  /** Selected files, by index in the metainfo; undefined if all are. */
  readonly #files: Bitfield | undefined;

  /** @param isSelected whether a file is selected, by its index in the metainfo. @default all are */
  constructor(
    private readonly metainfo: Metainfo,
    isSelected?: (file: number) => boolean,
  ) {
    const { files, totalLength } = metainfo;
    const layout = PieceLayout.of(metainfo);
    this.#files = isSelected && chosen(files.length, isSelected);
    if (!this.#files || this.#files.isFull()) {
      this.#files = undefined;
      this.pieces = Bitfield.full(layout.pieceCount);
      this.bytes = totalLength;
      this.fileCount = files.length;
      return;
    }
    this.pieces = Bitfield.empty(layout.pieceCount);
    for (const file of this.#files.indexes()) {
      const { first, count } = layout.filePieces(file);
      for (let piece = first; piece < first + count; piece++) this.pieces.set(piece);
    }
    this.bytes = layout.bytesOf(this.pieces);
    this.fileCount = this.#files.count;
  }

  get isAll(): boolean {
    return this.#files === undefined;
  }

  /** The names and sizes of the selected files. */
  get named(): Pick<Metainfo, 'infohash' | 'name' | 'isFolder' | 'files'> {
    const { files } = this.metainfo;
    return this.isAll
      ? this.metainfo
      : { ...this.metainfo, files: files.filter((_, file) => this.has(file)) };
  }

  /** True if a file, an index of `metainfo.files`, is selected. */
  has(file: number): boolean {
    return this.#files?.has(file) ?? true;
  }

  /** Indexes of the selected files, ascending. */
  *files(): Iterable<number> {
    if (this.#files) yield* this.#files.indexes();
    else yield* this.metainfo.files.keys();
  }

  /** True if all files of another selection of the same torrent are selected. */
  includes(other: Selection): boolean {
    if (!this.#files) return true;
    return other.#files !== undefined && this.#files.includes(other.#files);
  }

  /** True if all selected pieces are in `have`. */
  isDone(have: Bitfield): boolean {
    return have.includes(this.pieces);
  }
}

function chosen(count: number, isSelected: (file: number) => boolean): Bitfield {
  const files = Bitfield.empty(count);
  for (let file = 0; file < count; file++) if (isSelected(file)) files.set(file);
  return files;
}
