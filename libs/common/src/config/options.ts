import { EnjambreError } from '@enjambre/core/error';
import type { z } from 'zod';

/** One setting of a service: a flag, its environment variable and its default. */
export interface Option<T = unknown> {
  /** Placeholder of the value in the help, such as HOST:PORT. */
  readonly placeholder: string;
  readonly description: string;
  /** Parses the text of the flag or variable; the default passes through it too. */
  readonly schema: z.ZodType<T>;
  /** Text used without flag and environment variable; absent if the schema decides. */
  readonly default?: string | MachineDefault;
  /** May be given several times; the schema then receives a list of texts. */
  readonly repeatable?: boolean;
}

/** A default that differs between machines: it is determined only when needed. */
export interface MachineDefault {
  /** Text for help and documents. */
  readonly shown: string;
  /** Undefined, or throws {@link EnjambreError}, if there is none. */
  readonly find: (environment: Environment) => string | undefined;
}

export type OptionTable = Readonly<Record<string, Option>>;

export type Resolved<Table extends OptionTable> = {
  readonly [Key in keyof Table]: z.output<Table[Key]['schema']>;
};

/** Parsed flags: camelCase names to texts. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** `downloadDir` → `--download-dir` */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `downloadDir` → `ENJAMBRE_DOWNLOAD_DIR` */
export function variableName(key: string): string {
  return `ENJAMBRE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * Resolves every option of a table: flag over environment over default. An empty environment variable counts
 * as absent. Throws `invalid`, BAD_OPTION, with the name of the bad flag or variable.
 */
export function resolveOptions<Table extends OptionTable>(
  table: Table,
  flags: Flags,
  environment: Environment,
): Resolved<Table> {
  const settled = Object.entries(table).map(([key, option]) => [
    key,
    settle(key, option, flags, environment),
  ]);
  return Object.fromEntries(settled) as Resolved<Table>;
}

function settle(key: string, option: Option, flags: Flags, environment: Environment): unknown {
  const { value, source } = raw(key, option, flags, environment);
  const result = option.schema.safeParse(value);
  if (result.success) return result.data;
  const why = result.error.issues[0]?.message ?? 'invalid value';
  throw new EnjambreError('invalid', 'BAD_OPTION', `${source}: ${why}`, { metadata: { option: source } });
}

function raw(
  key: string,
  option: Option,
  flags: Flags,
  environment: Environment,
): { value: string | readonly string[] | undefined; source: string } {
  const flag = flags[key];
  if (flag !== undefined) return { value: flag, source: flagName(key) };
  const variable = environment[variableName(key)];
  if (variable !== undefined && variable !== '') {
    return { value: option.repeatable ? variable.split(',') : variable, source: variableName(key) };
  }
  return { value: defaultOf(option, environment), source: flagName(key) };
}

function defaultOf(
  { default: said, repeatable }: Option,
  environment: Environment,
): string | readonly string[] | undefined {
  if (said === undefined) return repeatable ? [] : undefined;
  return typeof said === 'string' ? said : said.find(environment);
}
