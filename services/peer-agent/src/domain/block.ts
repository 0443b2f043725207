/** A block: the unit of a request. */
export interface BlockRef {
  /** Piece index. */
  readonly piece: number;
  /** Index of the block within its piece. */
  readonly block: number;
}

/** Position of a block, in bytes within its piece. */
export interface BlockPlace {
  readonly piece: number;
  readonly begin: number;
  readonly length: number;
}

/** Why an uploader rejects a request. */
export type RejectReason = 'cancelled' | 'choked' | 'not-available' | 'read-failed' | 'content-changed';
