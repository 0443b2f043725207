import { InvalidArgumentError } from 'commander';
import { parseBytes } from '@enjambre/common/config/parse-quantities';
import { EnjambreError } from '@enjambre/core/error';
import { isPieceLength } from '@enjambre/core/piece-length';

/** Parsers of option values; each throws the message for the user. */

/** Upper bound of a Node timer. */
const MAX_SECONDS = 2_000_000;

/** A parser of texts that are not empty. */
export function present(refusal: string): (value: string) => string {
  return (value) => {
    if (value !== '') return value;
    throw new EnjambreError('invalid', 'BAD_OPTION', refusal);
  };
}

/** A parser of paths where `-`, standard input or output elsewhere, makes no sense. */
export function onDisk(what: string): (value: string) => string {
  return (value) => {
    if (value !== '-') return present(`${what}: a path is missing`)(value);
    const refusal = `${what}: - (standard input or output) is not possible here: write ./- for a file named -`;
    throw new EnjambreError('invalid', 'BAD_OPTION', refusal);
  };
}

export function pieceLength(value: string): number {
  const bytes = bytesIn(value);
  if (bytes !== undefined && isPieceLength(bytes)) return bytes;
  throw new InvalidArgumentError('It must be a power of two from 16KiB to 64MiB, such as 256KiB or 1048576.');
}

function bytesIn(text: string): number | undefined {
  try {
    return parseBytes(text);
  } catch {
    return undefined;
  }
}

/** A parser of whole numbers from 1 to `most`. */
export function wholeNumber(most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number > 0 && number <= most) return number;
    throw new InvalidArgumentError(`It must be an integer from 1 to ${String(most)}.`);
  };
}

export function seconds(value: string): number {
  const number = Number(value);
  if (/^\d+(\.\d+)?$/.test(value) && number > 0 && number <= MAX_SECONDS) return number;
  throw new InvalidArgumentError(`It must be a number of seconds up to ${String(MAX_SECONDS)}.`);
}

/** A flag's text; undefined if it was not given. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
