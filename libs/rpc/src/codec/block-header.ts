/** Field tags with the numbers of peer.proto: (number << 3) | wire type. */
export const RESPONSE_BLOCK = (1 << 3) | 2;
export const BLOCK_ID = 1 << 3;
export const BLOCK_PIECE = 2 << 3;
export const BLOCK_BEGIN = 3 << 3;
export const BLOCK_DATA = (4 << 3) | 2;
export const BLOCK_LEFT = 5 << 3;

interface BlockFacts {
  readonly id: number;
  readonly piece: number;
  readonly begin: number;
  /** Bytes of the block in later messages. @default 0 */
  readonly left?: number;
}

/**
 * The part of an encoded FetchResponse before the `length` bytes of its block. A sender reads these bytes
 * directly behind it, without copying.
 */
export function blockHeader({ id, piece, begin, left = 0 }: BlockFacts, length: number): Buffer {
  const inner: number[] = [];
  for (const [tag, value] of [
    [BLOCK_ID, id],
    [BLOCK_PIECE, piece],
    [BLOCK_BEGIN, begin],
    ...(left > 0 ? [[BLOCK_LEFT, left] as const] : []),
    [BLOCK_DATA, length],
  ] as const) {
    inner.push(tag);
    pushVarint(inner, value);
  }
  const header: number[] = [RESPONSE_BLOCK];
  pushVarint(header, inner.length + length);
  return Buffer.from([...header, ...inner]);
}

/** Base 128, low bits first; `value` is below 2^32. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
}
