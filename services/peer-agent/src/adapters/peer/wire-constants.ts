/** Timeout for hello and bitfield of a new stream. */
export const HELLO_TIMEOUT_MS = 10_000;
/** Timeout of a downloader that reads none of the blocks it requested. */
export const STALL_TIMEOUT_MS = 60_000;
/** Maximum message size on both sides; a block with its header is a quarter of it. */
export const MAX_MESSAGE_BYTES = 1 << 20;
/** Bytes of metainfo per message. */
export const METAINFO_CHUNK_BYTES = 256 << 10;
/** Maximum number of pieces in one Have. */
export const MAX_HAVE_PIECES = 65_536;
