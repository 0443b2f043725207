import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatAddress, parseAddress, parseTcpAddress, type Address } from '@enjambre/common/config/address';
import { homeFolder } from '@enjambre/common/config/home-folder';
import { flagName, variableName, type Environment } from '@enjambre/common/config/options';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { pathFrom, type WorkingFolder } from './working-folder.js';

/** What a command takes of its process. */
export interface Surroundings extends WorkingFolder {
  readonly environment: Environment;
}

/** What the command line said of whom to ask. */
export interface ConnectionFlags {
  readonly agent?: string | undefined;
  readonly token?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Ask this tracker, or the first of several that answers, and no agent. */
  readonly tracker?: string | undefined;
}

export interface AgentEndpoint {
  /** As grpc-js takes it. */
  readonly address: string;
  /** Proof that the caller may control the agent; a unix socket needs none. */
  readonly token?: string;
}

const SOCKET_FILE = 'agent.sock';
const TOKEN_FILE = 'control.token';

/**
 * Which agent to talk with: `--agent`, ENJAMBRE_AGENT or the socket in the data folder.
 * Throws `invalid`, BAD_OPTION.
 */
export async function resolveAgent(flags: ConnectionFlags, around: Surroundings): Promise<AgentEndpoint> {
  const { environment } = around;
  const said = setting('agent', flags, environment);
  if (!said) {
    const socket = join(await dataDir(flags, around), SOCKET_FILE);
    return { address: readAddress(`unix:${socket}`, '--data-dir') };
  }
  const address = readAddress(said.value, said.source);
  if (address.startsWith('unix:')) return { address };
  const token = setting('token', flags, environment)?.value ?? (await storedToken(flags, around));
  return token === undefined ? { address } : { address, token };
}

/**
 * The trackers to ask directly; none if an agent is to be asked. What was said most
 * plainly wins: --tracker, then any word about an agent, then ENJAMBRE_TRACKER.
 */
export function resolveTrackers(flags: ConnectionFlags, environment: Environment): readonly string[] {
  const said = setting('tracker', flags, environment);
  if (!said) return [];
  const agentSaid = setting('agent', flags, environment) ?? flags.dataDir;
  if (flags.tracker === undefined && agentSaid !== undefined) return [];
  return said.value.split(',').map((text) => readAddress(text.trim(), said.source, parseTcpAddress));
}

interface Setting {
  readonly value: string;
  /** The flag or variable that said it. */
  readonly source: string;
}

function setting(
  key: keyof ConnectionFlags,
  flags: ConnectionFlags,
  environment: Environment,
): Setting | undefined {
  const flag = flags[key];
  if (flag !== undefined) return { value: flag, source: flagName(key) };
  const variable = environment[variableName(key)];
  return variable ? { value: variable, source: variableName(key) } : undefined;
}

function readAddress(text: string, source: string, parse: (text: string) => Address = parseAddress): string {
  try {
    return formatAddress(dialable(parse(text)));
  } catch (error) {
    throw new EnjambreError('invalid', 'BAD_OPTION', `${source}: ${messageOf(error)}`, { cause: error });
  }
}

/** A server may listen on ":7070"; a client dials this machine then. */
function dialable(address: Address): Address {
  return address.kind === 'tcp' && address.host === '' ? { ...address, host: '127.0.0.1' } : address;
}

async function dataDir(flags: ConnectionFlags, around: Surroundings): Promise<string> {
  const { environment } = around;
  const said = setting('dataDir', flags, environment);
  if (said?.value === '')
    throw new EnjambreError('invalid', 'BAD_OPTION', `${said.source}: a path is missing`);
  if (said?.value.startsWith('~/'))
    return resolve(homeFolder(environment, `write ${said.source} without ~`), said.value.slice(2));
  if (said) return pathFrom(around, said.value);
  const { defaultDataDir } = await import('@enjambre/peer-agent/default-data-dir');
  return defaultDataDir(environment);
}

/** The token of an agent whose data folder can be read here; undefined if there is none. */
async function storedToken(flags: ConnectionFlags, around: Surroundings): Promise<string | undefined> {
  try {
    // One that is empty is none: the agent makes another at its next start.
    return (await readFile(join(await dataDir(flags, around), TOKEN_FILE), 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}
