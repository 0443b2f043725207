/** Bytes of a leaf of the merkle tree of a file (BEP 52). */
export const LEAF_SIZE = 16 * 1024;
