/** Identifies a file, whatever its path. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Writes a block and hashes it. */
export interface WriteJob {
  readonly type: 'write';
  readonly fd: number;
  /** If set, only this file may be written to; any other fails with OTHER_FILE. */
  readonly file?: FileIdentity;
  /** Minimum length of the file: a write would restore the length of a truncated file with zeros. */
  readonly fileLength: number;
  /** Offset in the file where the block begins. */
  readonly position: number;
  /** Transferred to the worker, which detaches the sender's view, and returned with the reply; never copied. */
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly length: number;
  /** Width of the block's tree: a power of two. */
  readonly leaves: number;
}

/** Reads a run of pieces of one file and hashes each. */
export interface HashJob {
  readonly type: 'hash';
  readonly path: string;
  /** If set, the path must lead to this file; any other fails with OTHER_FILE. */
  readonly file?: FileIdentity;
  /** Offset in the file where the first piece begins. */
  readonly position: number;
  /** Bytes of the run; the last piece may be short. */
  readonly length: number;
  readonly pieceLength: number;
  /** Width of each piece's tree: a power of two. */
  readonly leaves: number;
}

export type DiskJob = WriteJob | HashJob;

/** `hashes`: the root of the block, or the roots of the pieces, 32 bytes each. */
export type DiskResult =
  | { readonly ok: true; readonly hashes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface DiskReply {
  readonly id: number;
  readonly result: DiskResult;
  /** Memory of the written block. */
  readonly memory?: ArrayBuffer;
}

export interface DiskRequest {
  readonly id: number;
  readonly job: DiskJob;
}
