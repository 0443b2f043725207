/** A block: the unit in which pieces travel. */
export interface BlockRef {
  /** Piece index. */
  readonly piece: number;
  /** Index of the block within its piece. */
  readonly block: number;
}

/** Where a block lies, in bytes of its piece. */
export interface BlockPlace {
  readonly piece: number;
  readonly begin: number;
  readonly length: number;
}

/** Why an uploader does not send a block. */
export type RejectReason = 'cancelled' | 'choked' | 'not-available' | 'read-failed' | 'content-changed';
