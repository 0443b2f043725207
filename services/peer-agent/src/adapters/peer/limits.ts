/** Longest silence before hello and bitfield of a new stream. */
export const HELLO_TIMEOUT_MS = 10_000;
/** Longest time in which a downloader takes none of the blocks it asked for. */
export const STALL_TIMEOUT_MS = 60_000;
/** Largest message either side takes; a block with its header is a quarter of it. */
export const MAX_MESSAGE_BYTES = 1 << 20;
/** Bytes of metainfo in one message. */
export const METAINFO_CHUNK_BYTES = 256 << 10;
/** Pieces in one Have. */
export const MAX_HAVE_PIECES = 65_536;
