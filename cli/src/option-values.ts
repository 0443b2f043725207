import { InvalidArgumentError } from 'commander';
import { parseBytes, parseDuration } from '@enjambre/common/config/parse-quantities';
import { EnjambreError } from '@enjambre/core/error';
import { isPieceLength } from '@enjambre/core/piece-length';

/** Parsers of option values; each throws the message for the user. */

/** About the upper bound of a Node timer. */
const MAX_MS = 2_000_000_000;

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
  const bytes = parsed(parseBytes, value);
  if (bytes !== undefined && isPieceLength(bytes)) return bytes;
  throw new InvalidArgumentError('It must be a power of two from 16KiB to 64MiB, such as 256KiB or 1048576.');
}

/** Undefined if `parse` refuses the text. */
function parsed(parse: (text: string) => number, text: string): number | undefined {
  try {
    return parse(text);
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

/** A duration in seconds, from a text such as `90`, `90s` or `1h30m`. */
export function seconds(value: string): number {
  const ms = parsed(parseDuration, value);
  if (ms !== undefined && ms <= MAX_MS) return ms / 1000;
  throw new InvalidArgumentError('It must be a duration of at most 23 days, such as 90s, 10m or 1h30m.');
}

/** A flag's text; undefined if it was not given. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
