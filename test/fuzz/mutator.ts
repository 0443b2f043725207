import type { Random } from './random.js';

/** Largest input that mutations grow to, in bytes: beyond it they are cut. */
const MAX_BYTES = 4096;
/** Lengths, counts and bounds at which parsers tend to fail. */
const INTERESTING = [0, 1, 2, 7, 8, 9, 15, 16, 31, 32, 63, 64, 100, 127, 128, 254, 255];
const NUMBERS = ['0', '-1', '00', '1e9', '4294967296', '9007199254740993', '99999999999999999999', '1.5'];

type Mutation = (input: Buffer, random: Random, pool: MutationPool) => Buffer;

export interface MutationPool {
  /** Inputs that reached something new. */
  readonly corpus: readonly Buffer[];
  /** Words of the format, to insert whole. */
  readonly words: readonly Buffer[];
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(input, random) {
    return changed(input, random.below(input.length), (byte) => byte ^ (1 << random.below(8)));
  },
  function setByte(input, random) {
    return changed(input, random.below(input.length), () => random.below(256));
  },
  function setInteresting(input, random) {
    return changed(input, random.below(input.length), () => random.of(INTERESTING) ?? 0);
  },
  function addToByte(input, random) {
    return changed(input, random.below(input.length), (byte) => (byte + random.below(9) + 252) & 0xff);
  },
  function remove(input, random) {
    const [from, to] = range(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  function repeat(input, random) {
    const [from, to] = range(input, random);
    const part = input.subarray(from, to);
    const times = random.below(10) === 0 ? 64 : 1 + random.below(3);
    return spliced(input, to, Buffer.concat(Array.from({ length: times }, () => part)));
  },
  function insertBytes(input, random) {
    const bytes = Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)));
    return spliced(input, random.below(input.length + 1), bytes);
  },
  function insertWord(input, random, { words }) {
    return spliced(input, random.below(input.length + 1), random.of(words) ?? Buffer.alloc(1));
  },
  function overwriteWithWord(input, random, { words }) {
    const word = random.of(words) ?? Buffer.alloc(1);
    const at = random.below(input.length + 1);
    return Buffer.concat([input.subarray(0, at), word, input.subarray(at + word.length)]);
  },
  function cut(input, random) {
    return input.subarray(0, random.below(input.length + 1));
  },
  function cross(input, random, { corpus }) {
    const other = random.of(corpus) ?? input;
    return Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  function insertPartOfOther(input, random, { corpus }) {
    const other = random.of(corpus) ?? input;
    const [from, to] = range(other, random);
    return spliced(input, random.below(input.length + 1), other.subarray(from, to));
  },
  /** For text formats: another number in the place of one. */
  function changeNumber(input, random) {
    const text = input.toString('latin1');
    const found = [...text.matchAll(/\d+/g)];
    const match = random.of(found);
    if (!match) return input;
    const number = Buffer.from(random.of(NUMBERS) ?? '0');
    const end = match.index + match[0].length;
    return Buffer.concat([input.subarray(0, match.index), number, input.subarray(end)]);
  },
];

/** A changed copy of `input`, by one to four mutations. */
export function mutate(input: Buffer, random: Random, pool: MutationPool): Buffer {
  let output = input;
  for (let left = 1 + random.below(4); left > 0; left -= 1)
    output = random.of(MUTATIONS)?.(output, random, pool).subarray(0, MAX_BYTES) ?? output;
  return output;
}

function changed(input: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (input.length === 0) return Buffer.alloc(1);
  const copy = Buffer.from(input);
  copy[at] = change(copy[at] ?? 0);
  return copy;
}

function spliced(input: Buffer, at: number, part: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), part, input.subarray(at)]);
}

/** A random part of at most 64 bytes. */
function range(input: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(input.length + 1);
  return [from, Math.min(input.length, from + 1 + random.below(64))];
}
