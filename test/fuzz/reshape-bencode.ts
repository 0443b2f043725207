import { decodeBencode, encodeBencode } from '@enjambre/core/bencode';
import { BencodeDict, type BencodeValue } from '@enjambre/core/bencode-value';

type Below = (limit: number) => number;

/** Values at which readers of metainfo tend to fail. */
const VALUES: readonly BencodeValue[] = [
  ...[0, 1, -1, 16_384, 16_385, 2 ** 26, 2 ** 53 - 1, 2n ** 62n],
  ...['', '..', '.', 'a/b', 'a\\b', '\0', '.ssh', 'x', 'con', '\u202e', 'x'.repeat(300)].map((text) =>
    Buffer.from(text),
  ),
  ...[Buffer.alloc(32), Buffer.alloc(32, 7), Buffer.alloc(31), Buffer.alloc(64), Buffer.from([0xff, 0xfe])],
  [],
  BencodeDict.of(new Map()),
];

/** Changes one place of a bencoded value: another value, a missing entry or a new one. Undefined for other bytes. */
export function reshapeBencode(input: Buffer, below: Below): Buffer | undefined {
  try {
    return encodeBencode(changed(decodeBencode(input), below));
  } catch {
    return undefined;
  }
}

function changed(value: BencodeValue, below: Below): BencodeValue {
  const other = VALUES[below(VALUES.length)] ?? 0;
  if (below(8) === 0) return other;
  if (value instanceof BencodeDict) return changedDict(value, other, below);
  if (!Array.isArray(value)) return below(2) === 0 ? other : value;
  const items = [...(value as BencodeValue[])];
  const at = below(items.length + 1);
  items[at] = changed(items[at] ?? other, below);
  return items;
}

function changedDict(dict: BencodeDict, other: BencodeValue, below: Below): BencodeDict {
  const entries = [...dict];
  const [key = '', held = other] = entries[below(entries.length)] ?? [];
  const kept = new Map(entries);
  const kind = below(8);
  if (kind === 0) kept.delete(key);
  else if (kind === 1) kept.set(`${key}${String.fromCharCode(below(256))}`, held);
  else kept.set(key, changed(held, below));
  return BencodeDict.of(kept);
}
