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
 * A layout that is real in its sizes, whose digests are tokens: each block has one of its own, and a
 * piece verifies if all its blocks brought theirs, each in its place. So bad, missing and mixed up blocks fail
 * as they would by hash, at the cost of a comparison.
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

  /** Bytes of a block that is not cut short. */
  get longestBlock(): number {
    return this.#size.blockLength;
  }

  /** Where a block begins in its piece. */
  blockBegin(block: number): number {
    return block * this.#size.blockLength;
  }

  /** A number for a block that no other block has. */
  blockIndex({ piece, block }: BlockRef): number {
    return piece * this.#blocksOfPiece + block;
  }

  /** What a block's right bytes hash to. */
  token(ref: BlockRef): Buffer {
    const token = this.#tokens[this.blockIndex(ref)];
    if (!token) throw new RangeError(`there is no block ${ref.block} of piece ${ref.piece}`);
    return token;
  }

  /** What bytes hash to that `author` made up. */
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
