import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DEFAULT_PORTS,
  formatAddress,
  parseAddress,
  parseTcpAddress,
  type Address,
} from '@enjambre/common/config/address';
import { belowHome } from '@enjambre/common/config/home-folder';
import { flagName, settingName, variableName, type Environment } from '@enjambre/common/config/options';
import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { pathFrom, type WorkingFolder } from './working-folder.js';

/** The parts of the process that addressing needs. */
export interface Surroundings extends WorkingFolder {
  readonly environment: Environment;
}

/** Flags that select an agent or a tracker. */
export interface ConnectionFlags {
  readonly agent?: string | undefined;
  readonly token?: string | undefined;
  /** A file that holds the token, which then is in no list of processes. */
  readonly tokenFile?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Folder of the certificate files of this command. */
  readonly tls?: string | undefined;
  /** No TLS, although the agent has joined a network that has it. */
  readonly insecure?: boolean;
  /** Query this tracker, or the first of several that answers, instead of an agent. */
  readonly tracker?: string | undefined;
  /** The values of a context of the configuration file, for what neither flags nor variables say. */
  readonly context?: ContextValues | undefined;
}

/** By camelCase name. */
export interface ContextValues {
  /** File and name of the context, for errors. */
  readonly source: string;
  readonly values: Readonly<Partial<Record<SettingKey, string | undefined>>>;
}

type SettingKey = 'agent' | 'token' | 'tokenFile' | 'dataDir' | 'tracker' | 'tls';

export interface AgentEndpoint {
  /** In the form that grpc-js accepts. */
  readonly address: string;
  /** Proof that the caller may control the agent; a unix socket needs none. */
  readonly token?: string;
}

const SOCKET_FILE = 'agent.sock';
const TOKEN_FILE = 'control.token';

/**
 * The agent to call: `--agent`, ENJAMBRE_AGENT or the socket in the data folder.
 * Throws `invalid`, BAD_OPTION.
 */
export async function resolveAgent(flags: ConnectionFlags, around: Surroundings): Promise<AgentEndpoint> {
  const { environment } = around;
  const said = agentSetting(flags, environment);
  if (!said) {
    const socket = join(await dataDir(flags, around), SOCKET_FILE);
    return { address: readAddress(`unix:${socket}`, '--data-dir') };
  }
  const address = readAddress(said.value, said.source);
  if (address.startsWith('unix:')) return { address };
  const token =
    setting('token', flags, environment)?.value ??
    (await tokenIn(tokenFileOf(said, flags, environment), around)) ??
    (await storedToken(flags, around));
  return token === undefined ? { address } : { address, token };
}

/**
 * The trackers to query directly; none if an agent is to be called. Precedence: --tracker,
 * then any setting that names an agent, then ENJAMBRE_TRACKER.
 */
export function resolveTrackers(flags: ConnectionFlags, environment: Environment): readonly string[] {
  const said = setting('tracker', flags, environment);
  if (!said) return [];
  const agentSaid = agentSetting(flags, environment) ?? flags.dataDir ?? flags.context?.values.dataDir;
  if (flags.tracker === undefined && agentSaid !== undefined) return [];
  return said.value
    .split(',')
    .map((text) =>
      readAddress(text.trim(), said.source, (address) => parseTcpAddress(address, DEFAULT_PORTS.tracker)),
    );
}

interface Setting {
  readonly value: string;
  /** The flag or variable that it comes from. */
  readonly source: string;
}

function setting(key: SettingKey, flags: ConnectionFlags, environment: Environment): Setting | undefined {
  const flag = flags[key];
  if (flag !== undefined) return { value: flag, source: flagName(key) };
  const variable = environment[variableName(key)];
  if (variable) return { value: variable, source: variableName(key) };
  const written = flags.context?.values[key];
  const source = sourceIn(flags.context, key);
  return source !== undefined && written !== undefined ? { value: written, source } : undefined;
}

/** A data folder that a flag or variable names is that of another agent than the context's. */
function agentSetting(flags: ConnectionFlags, environment: Environment): Setting | undefined {
  const said = setting('agent', flags, environment);
  const { context, ...others } = flags;
  const isOfContext = said !== undefined && said.source === sourceIn(context, 'agent');
  return isOfContext && setting('dataDir', others, environment) ? undefined : said;
}

/** The token of a context is for the agent of that context only. */
function tokenFileOf(agent: Setting, flags: ConnectionFlags, environment: Environment): Setting | undefined {
  const { context, ...others } = flags;
  const isOfContext = agent.source === sourceIn(context, 'agent');
  return setting('tokenFile', isOfContext ? flags : others, environment);
}

function sourceIn(context: ContextValues | undefined, key: SettingKey): string | undefined {
  return context && `${context.source}.${settingName(key)}`;
}

function readAddress(text: string, source: string, parse: (text: string) => Address = parseAgent): string {
  try {
    return formatAddress(dialable(parse(text)));
  } catch (error) {
    throw new EnjambreError('invalid', 'BAD_OPTION', `${source}: ${messageOf(error)}`, { cause: error });
  }
}

function parseAgent(text: string): Address {
  return parseAddress(text, DEFAULT_PORTS.control);
}

/** A server may listen on ":7070"; a client then dials this machine. */
function dialable(address: Address): Address {
  return address.kind === 'tcp' && address.host === '' ? { ...address, host: '127.0.0.1' } : address;
}

/** The data folder of the agent. Throws `invalid`, BAD_OPTION. */
export async function dataDir(flags: ConnectionFlags, around: Surroundings): Promise<string> {
  const { environment } = around;
  const said = setting('dataDir', flags, environment);
  if (said?.value === '')
    throw new EnjambreError('invalid', 'BAD_OPTION', `${said.source}: a path is missing`);
  if (said) return belowHome(said.value, environment, said.source) ?? pathFrom(around, said.value);
  const { defaultDataDir } = await import('@enjambre/common/config/default-data-dir');
  return defaultDataDir(environment);
}

/** The token in a named file; undefined if none is named. Throws `invalid`, BAD_OPTION. */
async function tokenIn(file: Setting | undefined, around: WorkingFolder): Promise<string | undefined> {
  if (!file) return undefined;
  const path = pathFrom(around, file.value);
  const token = await readFile(path, 'utf8').catch((error: unknown) => {
    const message = `${file.source}: cannot read ${path} (${systemErrorText(error)}): fix its permissions, or name another file`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message, { cause: error });
  });
  if (token.trim() !== '') return token.trim();
  throw new EnjambreError(
    'invalid',
    'BAD_OPTION',
    `${file.source}: ${path} is empty: it must hold the token`,
  );
}

/** The token of an agent whose data folder can be read here; undefined if there is none. */
async function storedToken(flags: ConnectionFlags, around: Surroundings): Promise<string | undefined> {
  try {
    // An empty file counts as no token: the agent creates another when it next starts.
    return (await readFile(join(await dataDir(flags, around), TOKEN_FILE), 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}
