import { EnjambreError } from '@enjambre/core/error';
import type { Environment } from './options.js';

/** Bounds and default of a whole number. */
export interface NumberSetting {
  readonly default: number;
  /** @default 1 */
  readonly least?: number;
  readonly most: number;
}

/**
 * Reads settings from environment variables, for a program without flags, such as a benchmark. An empty
 * variable counts as absent. Every method throws `invalid`, BAD_SETTING, with a sentence that names the
 * variable and its valid values.
 */
export class Settings {
  constructor(private readonly environment: Environment) {}

  /** A whole number in decimal digits. */
  wholeNumber(name: string, range: NumberSetting): number {
    const text = this.#textOf(name);
    if (text === undefined) return range.default;
    return wholeNumberIn(text, range) ?? fail(name, `must be ${describe(range)}`, text);
  }

  /** Whole numbers separated by commas, without duplicates. */
  wholeNumbers(
    name: string,
    { default: fallback, ...range }: Omit<NumberSetting, 'default'> & { readonly default: readonly number[] },
  ): readonly number[] {
    const text = this.#textOf(name);
    if (text === undefined) return fallback;
    const wanted = `must be ${describe(range)}, or several separated by commas`;
    return distinct(text, (part) => wholeNumberIn(part, range) ?? fail(name, wanted, text));
  }

  /** One of `known`. */
  choice<T extends string, F>(name: string, known: readonly T[], fallback: F): T | F {
    const text = this.#textOf(name);
    if (text === undefined) return fallback;
    return known.find((one) => one === text) ?? fail(name, `must be one of ${known.join(', ')}`, text);
  }

  /** Some of `known`, separated by commas, without duplicates, in the given order. */
  choices<T extends string>(name: string, known: readonly T[], fallback: readonly T[]): readonly T[] {
    const text = this.#textOf(name);
    if (text === undefined) return fallback;
    const wanted = `must be one or more of ${known.join(', ')}, separated by commas`;
    return distinct(text, (part) => known.find((one) => one === part) ?? fail(name, wanted, text));
  }

  /** "key=1,other=0.5": numbers above 0, each for one of the `known` names. */
  numbersByName<T extends string>(name: string, known: readonly T[]): Partial<Record<T, number>> {
    const text = this.#textOf(name);
    if (text === undefined) return {};
    const entries = text.split(',').map((part) => {
      const [, key = '', value = ''] = /^\s*(\w+)=(\d{1,12}(?:\.\d{1,12})?)\s*$/.exec(part) ?? [];
      const found = known.find((one) => one === key);
      if (found === undefined || Number(value) === 0)
        return fail(
          name,
          `must be NAME=NUMBER above 0, or several separated by commas; NAME is one of ${known.join(', ')}`,
          text,
        );
      return [found, Number(value)] as const;
    });
    return Object.fromEntries(entries) as Partial<Record<T, number>>;
  }

  #textOf(name: string): string | undefined {
    const text = this.environment[name];
    return text === undefined || text === '' ? undefined : text;
  }
}

/** Parses the comma-separated parts of a text with `read` and removes duplicates. */
function distinct<T>(text: string, read: (part: string) => T): T[] {
  return [...new Set(text.split(',').map((part) => read(part.trim())))];
}

function wholeNumberIn(
  text: string,
  { least = 1, most }: Omit<NumberSetting, 'default'>,
): number | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return number >= least && number <= most ? number : undefined;
}

function describe({ least = 1, most }: Omit<NumberSetting, 'default'>): string {
  return `a whole number from ${least} to ${most}`;
}

function fail(name: string, wanted: string, text: string): never {
  throw new EnjambreError('invalid', 'BAD_SETTING', `${name} ${wanted}, but is ${JSON.stringify(text)}`);
}

/** Reads settings; prints one line about a bad one and exits with 2. */
export function readOrExit<T>(read: (settings: Settings) => T): T {
  try {
    return read(new Settings(process.env));
  } catch (error) {
    if (!(error instanceof EnjambreError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
