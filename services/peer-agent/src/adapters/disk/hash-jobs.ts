/** What tells a file from any other, whatever its path. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Writes a block and hashes it. */
export interface WriteJob {
  readonly type: 'write';
  readonly fd: number;
  /** If set, only this file is written to; the code for any other is OTHER_FILE. */
  readonly file?: FileIdentity;
  /** Bytes that the file must have: one that somebody has cut would get its length back by a write, with zeros. */
  readonly fileLength: number;
  /** Byte of the file where the block begins. */
  readonly position: number;
  /** Transferred, so that the sender's view is void afterwards, and back with the reply; never copied. */
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly length: number;
  /** How wide the block's tree is: a power of two. */
  readonly leaves: number;
}

/** Reads a run of pieces of one file and hashes each. */
export interface HashJob {
  readonly type: 'hash';
  readonly path: string;
  /** What the path must lead to, if only that may be read: else the code is OTHER_FILE. */
  readonly file?: FileIdentity;
  /** Byte of the file where the first piece begins. */
  readonly position: number;
  /** Bytes of the run; the last piece may be short. */
  readonly length: number;
  readonly pieceLength: number;
  /** How wide the tree of each piece is: a power of two. */
  readonly leaves: number;
}

export type DiskJob = WriteJob | HashJob;

/** Results, in the order of the jobs' kinds: the block's root, or the pieces' roots, 32 bytes each. */
export type DiskResult =
  | { readonly ok: true; readonly hashes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface DiskReply {
  readonly id: number;
  readonly result: DiskResult;
  /** Where the block was that was written. */
  readonly memory?: ArrayBuffer;
}

export interface DiskRequest {
  readonly id: number;
  readonly job: DiskJob;
}
