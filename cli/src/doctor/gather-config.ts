import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import {
  resolveOptions,
  variableName,
  type Environment,
  type Flags,
  type OptionTable,
  type Service,
} from '@enjambre/common/config/options';
import { messageOf } from '@enjambre/core/error';
import type { AgentConfig, agentOptions } from '@enjambre/peer-agent/config';
import { nearest, type ConfigFacts } from './judge-config.js';

/** Variables of the command itself. */
const OF_THE_COMMAND: readonly string[] = [
  'ENJAMBRE_AGENT',
  'ENJAMBRE_TOKEN',
  'ENJAMBRE_TOKEN_FILE',
  'ENJAMBRE_CONFIG',
  'ENJAMBRE_CONTEXT',
];
/** Kubernetes sets these variables for each of its services; they are no settings. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP)(_.+)?)?)$/;

interface Tables {
  readonly agent: typeof agentOptions;
  /** Tables of all services, whose variables are valid. */
  readonly services: Readonly<Record<Service, OptionTable>>;
}

/** Reads each setting of an agent separately, so that all wrong ones are reported. */
export function gatherConfig(
  { agent, services }: Tables,
  flags: Flags,
  { environment, config: file }: { readonly environment: Environment } & Pick<ConfigSources, 'config'>,
): { readonly config: Partial<AgentConfig>; readonly facts: ConfigFacts } {
  const problems: string[] = [];
  const old: { name: string; instead: string }[] = [];
  const deprecated = (name: string, instead: string): void => void old.push({ name, instead });
  const scope = scopeOf('agent', agent, { config: file, deprecated });
  const config: Partial<AgentConfig> = {};
  for (const [key, option] of Object.entries(agent)) {
    try {
      Object.assign(config, resolveOptions({ [key]: option }, flags, environment, scope));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const known = new Set([
    ...Object.entries(services).flatMap(([service, table]) =>
      Object.keys(table).flatMap((key) => [variableName(key), variableName(key, service as Service)]),
    ),
    ...OF_THE_COMMAND,
  ]);
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith('ENJAMBRE_') && !known.has(name) && !OF_KUBERNETES.test(name))
    .sort()
    .map((name) => ({ name, meant: nearest(name, known) }));
  return { config, facts: { problems, unknown, old, dataDir: config.dataDir, sharedDir: config.sharedDir } };
}
