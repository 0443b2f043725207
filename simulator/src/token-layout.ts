import type { BlockRef } from '@enjambre/peer-agent/domain/block';
import type { EngineLayout } from '@enjambre/peer-agent/domain/engine-layout';

export interface ContentSize {
  readonly bytes: number;
  readonly pieceLength: number;
  /** The unit of transfer. A model may make it larger than the product's, to have fewer events. */
  readonly blockLength: number;
}

const NO_ROOT = Buffer.alloc(8, 0xff);

/**
 * A layout with real sizes, whose digests are tokens: each block has its own, and a
 * piece verifies if every block has the right token in its place. Bad, missing and swapped blocks thus fail
 * as with hashes, at the cost of a comparison.
 */
export class TokenLayout implements EngineLayout {
  readonly pieceCount: number;
  readonly totalLength: number;
  readonly #size: ContentSize;
  readonly #blocksOfPiece: number;
  readonly #tokens: readonly Buffer[];

  constructor(size: ContentSize) {
    this.#size = size;
    this.totalLength = size.bytes;
    this.pieceCount = Math.ceil(size.bytes / size.pieceLength);
    this.#blocksOfPiece = Math.ceil(size.pieceLength / size.blockLength);
    this.#tokens = Array.from({ length: this.pieceCount * this.#blocksOfPiece }, (_, index) => {
      const token = Buffer.alloc(8);
      token.writeDoubleBE(index + 1);
      return token;
    });
  }

  pieceSize(piece: number): number {
    return Math.min(this.#size.pieceLength, this.totalLength - piece * this.#size.pieceLength);
  }

  blockCount(piece: number): number {
    return Math.ceil(this.pieceSize(piece) / this.#size.blockLength);
  }

  blockSize(piece: number, block: number): number {
    return Math.min(this.#size.blockLength, this.pieceSize(piece) - block * this.#size.blockLength);
  }

  /** Bytes of a full block. */
  get longestBlock(): number {
    return this.#size.blockLength;
  }

  /** Offset of a block in its piece. */
  blockBegin(block: number): number {
    return block * this.#size.blockLength;
  }

  /** Unique number of a block. */
  blockIndex({ piece, block }: BlockRef): number {
    return piece * this.#blocksOfPiece + block;
  }

  /** Token of a block's correct bytes. */
  token(ref: BlockRef): Buffer {
    const token = this.#tokens[this.blockIndex(ref)];
    if (!token) throw new RangeError(`there is no block ${ref.block} of piece ${ref.piece}`);
    return token;
  }

  /** Token of bad bytes from `author`. */
  badToken(author: number): Buffer {
    const token = Buffer.alloc(8);
    token.writeDoubleBE(-1 - author);
    return token;
  }

  pieceRoot(piece: number): Buffer {
    return this.token({ piece, block: 0 });
  }

  combineBlocks(piece: number, digests: readonly Buffer[]): Buffer {
    if (digests.length !== this.blockCount(piece)) {
      throw new RangeError(`piece ${piece} has ${this.blockCount(piece)} blocks, not ${digests.length}`);
    }
    const right = digests.every((digest, block) => digest.equals(this.token({ piece, block })));
    return right ? this.pieceRoot(piece) : NO_ROOT;
  }
}
