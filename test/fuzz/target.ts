import { EnjambreError } from '@enjambre/core/error';

/** Something that reads bytes of strangers, or files that anything may have happened to. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs: mutations start from them. */
  readonly seeds: readonly Buffer[];
  /** Words of the format, such as keys and tags. */
  readonly words?: readonly Buffer[];
  /** Mutates an input by the rules of its format. @default by bytes only */
  readonly reshape?: (input: Buffer, below: (limit: number) => number) => Buffer | undefined;
  /**
   * Reads an input, and checks what was read: throws `Broken` if it is wrong. Errors that {@link refuses} accepts are the
   * reader's way to refuse an input.
   */
  readonly run: (input: Buffer) => void;
  /** True for an error by which the reader may refuse an input. @default an EnjambreError with code `invalid` */
  readonly refuses?: (error: unknown) => boolean;
}

/** The reader took an input, and what it read is wrong. */
export class Broken extends Error {}

export function isInvalid(error: unknown): boolean {
  return error instanceof EnjambreError && error.code === 'invalid';
}

/** Throws {@link Broken} unless both are the same. */
export function mustEqual(what: string, actual: unknown, expected: unknown): void {
  const [left, right] = [canonical(actual), canonical(expected)];
  if (left !== right) throw new Broken(`${what}: ${clip(left)} is not ${clip(right)}`);
}

function clip(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, held: unknown) => {
    if (typeof held === 'bigint') return `${held}n`;
    if (typeof held === 'number' && !Number.isFinite(held)) return String(held);
    if (held instanceof Map) return [...(held as Map<unknown, unknown>)];
    if (typeof held === 'object' && held !== null && !Array.isArray(held) && !Buffer.isBuffer(held))
      return Object.fromEntries(Object.entries(held).sort(([one], [other]) => (one < other ? -1 : 1)));
    return held;
  });
}
