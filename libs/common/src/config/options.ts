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
  /** A flag without a value; its schema then parses "true" and "false", for the variable and the file. */
  readonly isSwitch?: boolean;
  /** May be given several times; the schema then receives a list of texts. */
  readonly repeatable?: boolean;
  /** All parts of Enjambre on a machine may share it: its variable without the name of a service is no older form. */
  readonly shared?: boolean;
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

/** `downloadDir` → `download-dir`, as in the configuration file */
export function settingName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `downloadDir` → `--download-dir` */
export function flagName(key: string): string {
  return `--${settingName(key)}`;
}

export type Service = 'tracker' | 'messaging' | 'agent';

/** The settings of one service in a configuration file. */
export interface FileSection {
  /** Path of the file and name of the section, for errors. */
  readonly source: string;
  /** By camelCase name. */
  readonly values: Flags;
}

/** The service whose options are resolved, and what is known of them besides flags and environment. */
export interface Scope {
  /** Its variables have its name: ENJAMBRE_AGENT_LISTEN. Without it, and for one version more: ENJAMBRE_LISTEN. */
  readonly service?: Service;
  readonly file?: FileSection | undefined;
  /** Called for a variable in its older form, without the name of the service. */
  readonly deprecated?: (variable: string, instead: string) => void;
}

/** `downloadDir` → `ENJAMBRE_DOWNLOAD_DIR`, or of a service `ENJAMBRE_AGENT_DOWNLOAD_DIR` */
export function variableName(key: string, service?: Service): string {
  const name = key.replace(/[A-Z]/g, (letter) => `_${letter}`);
  return `ENJAMBRE_${service === undefined ? '' : `${service}_`}${name}`.toUpperCase();
}

/**
 * Resolves every option of a table: flag over environment over file over default. An empty environment variable
 * counts as absent. Throws `invalid`, BAD_OPTION, with the name of the bad flag, variable or line.
 */
export function resolveOptions<Table extends OptionTable>(
  table: Table,
  flags: Flags,
  environment: Environment,
  scope: Scope = {},
): Resolved<Table> {
  const settled = Object.entries(table).map(([key, option]) => [
    key,
    settle(key, option, { flags, environment, scope }),
  ]);
  return Object.fromEntries(settled) as Resolved<Table>;
}

interface Sources {
  readonly flags: Flags;
  readonly environment: Environment;
  readonly scope: Scope;
}

function settle(key: string, option: Option, sources: Sources): unknown {
  const { value, source } = raw(key, option, sources);
  const result = option.schema.safeParse(value);
  if (result.success) return result.data;
  const why = result.error.issues[0]?.message ?? 'invalid value';
  throw new EnjambreError('invalid', 'BAD_OPTION', `${source}: ${why}`, { metadata: { option: source } });
}

function raw(
  key: string,
  option: Option,
  { flags, environment, scope }: Sources,
): { value: string | readonly string[] | undefined; source: string } {
  const flag = flags[key];
  if (flag !== undefined) return { value: flag, source: flagName(key) };
  const variable = variableOf(key, option, environment, scope);
  if (variable) {
    const { value, source } = variable;
    return { value: option.repeatable ? value.split(',') : value, source };
  }
  const written = scope.file?.values[key];
  if (scope.file && written !== undefined)
    return { value: written, source: `${scope.file.source}.${settingName(key)}` };
  return { value: defaultOf(option, environment), source: flagName(key) };
}

function variableOf(
  key: string,
  { shared }: Option,
  environment: Environment,
  { service, deprecated }: Scope,
): { readonly value: string; readonly source: string } | undefined {
  const [own, old] = [variableName(key, service), variableName(key)];
  const source = [own, old].find((name) => environment[name] !== undefined && environment[name] !== '');
  if (source === undefined) return undefined;
  if (source !== own && !shared) deprecated?.(old, own);
  return { value: environment[source] ?? '', source };
}

function defaultOf(
  { default: said, repeatable }: Option,
  environment: Environment,
): string | readonly string[] | undefined {
  if (said === undefined) return repeatable ? [] : undefined;
  return typeof said === 'string' ? said : said.find(environment);
}
