import { readFile, stat } from 'node:fs/promises';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { errnoOf, systemErrorText } from '../system-error.js';
import {
  settingName,
  type FileSection,
  type Flags,
  type OptionTable,
  type Scope,
  type Service,
} from './options.js';

/** A person writes it. */
const MAX_BYTES = 1 << 20;
const SERVICES: readonly Service[] = ['tracker', 'messaging', 'agent'];
const OTHER_KEYS = ['contexts', 'current-context'];
const CONTEXT_KEYS = ['agent', 'data-dir', 'tls', 'token-file', 'tracker'] as const;

/** How a command reaches its agent, under a name. */
export type ConfigContext = Readonly<Partial<Record<(typeof CONTEXT_KEYS)[number], string>>>;

/** The configuration file of the command and the services. */
export interface ConfigFile {
  readonly path: string;
  /** The text, to be edited. */
  readonly text: string;
  readonly contexts: ReadonlyMap<string, ConfigContext>;
  readonly currentContext: string | undefined;
  /** The settings that the file has for a service. Throws `invalid` BAD_CONFIG for one that is not in `table`. */
  section(service: Service, table: OptionTable): FileSection;
}

/** What a service knows of its settings besides flags and environment. */
export interface ConfigSources {
  readonly config?: ConfigFile | undefined;
  readonly deprecated?: Scope['deprecated'];
}

export function scopeOf(service: Service, table: OptionTable, { config, deprecated }: ConfigSources): Scope {
  return { service, file: config?.section(service, table), ...(deprecated && { deprecated }) };
}

/**
 * Reads a configuration file. Undefined if there is none. Throws `denied` PATH_NOT_READABLE, and `invalid` BAD_CONFIG
 * with the line for what is no YAML or no setting.
 */
export async function readConfigFile(path: string): Promise<ConfigFile | undefined> {
  const text = await textOf(path);
  if (text === undefined) return undefined;
  // The parser takes longer to load than most commands to run: only those who have a file wait for it.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw badConfig(path, messageOf(error).split('\n')[0]?.replace(/:$/, '') ?? 'it is not YAML', error);
  }
  return new ReadConfig(path, text, value);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > MAX_BYTES) throw badConfig(path, 'it is longer than 1 MiB');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof EnjambreError) throw error;
    const message = `cannot read ${path} (${systemErrorText(error)}): fix its permissions, or name another file with --config`;
    throw new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
}

class ReadConfig implements ConfigFile {
  readonly contexts: ReadonlyMap<string, ConfigContext>;
  readonly currentContext: string | undefined;
  readonly #top: Mapping;

  constructor(
    readonly path: string,
    readonly text: string,
    value: unknown,
  ) {
    this.#top = this.#mapping(value, 'the file', [...SERVICES, ...OTHER_KEYS]);
    const contexts = this.#mapping(this.#top['contexts'] ?? {}, 'contexts');
    this.contexts = new Map(
      Object.entries(contexts).map(([name, its]) => [name, this.#context(its, `contexts.${name}`)]),
    );
    const current = this.#top['current-context'];
    if (current !== undefined && typeof current !== 'string')
      throw badConfig(path, 'current-context: must be the name of a context');
    this.currentContext = current;
    for (const service of SERVICES) this.#mapping(this.#top[service] ?? {}, service);
  }

  section(service: Service, table: OptionTable): FileSection {
    const names = new Map(Object.keys(table).map((key) => [settingName(key), key]));
    const found = this.#mapping(this.#top[service] ?? {}, service, [...names.keys()]);
    const values: Record<string, Flags[string]> = {};
    for (const [name, value] of Object.entries(found)) {
      const key = names.get(name) ?? name;
      values[key] = table[key]?.repeatable
        ? this.#texts(value, `${service}.${name}`)
        : this.#text(value, `${service}.${name}`);
    }
    return { source: `${this.path}: ${service}`, values };
  }

  #context(value: unknown, where: string): ConfigContext {
    const its = this.#mapping(value, where, CONTEXT_KEYS);
    return Object.fromEntries(
      Object.entries(its).map(([key, each]) => [key, this.#text(each, `${where}.${key}`)]),
    );
  }

  #mapping(value: unknown, where: string, keys?: readonly string[]): Mapping {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badConfig(this.path, `${where}: must be a list of "key: value" lines`);
    const wrong = Object.keys(value).find((key) => keys && !keys.includes(key));
    if (wrong !== undefined)
      throw badConfig(this.path, `${where}: "${wrong}" is not a setting: it has ${keys?.join(', ')}`);
    return value as Mapping;
  }

  #texts(value: unknown, where: string): string[] {
    return (Array.isArray(value) ? value : [value]).map((each) => this.#text(each, where));
  }

  #text(value: unknown, where: string): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw badConfig(this.path, `${where}: must be a text or a number`);
  }
}

type Mapping = Readonly<Record<string, unknown>>;

function badConfig(path: string, fault: string, cause?: unknown): EnjambreError {
  return new EnjambreError('invalid', 'BAD_CONFIG', `${path}: ${fault}`, { cause });
}
