import {
  resolveOptions,
  variableName,
  type Environment,
  type Flags,
  type OptionTable,
} from '@enjambre/common/config/options';
import { messageOf } from '@enjambre/core/error';
import type { AgentConfig, agentOptions } from '@enjambre/peer-agent/config';
import { nearest, type ConfigFacts } from './judge-config.js';

/** Variables of the command itself. */
const OF_THE_COMMAND: readonly string[] = ['ENJAMBRE_AGENT', 'ENJAMBRE_TOKEN', 'ENJAMBRE_TOKEN_FILE'];
/** Kubernetes sets these variables for each of its services; they are no settings. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP)(_.+)?)?)$/;

interface Tables {
  readonly agent: typeof agentOptions;
  /** Tables of the other services, whose variables are valid too. */
  readonly others: readonly OptionTable[];
}

/** Reads each setting of an agent separately, so that all wrong ones are reported. */
export function gatherConfig(
  { agent, others }: Tables,
  flags: Flags,
  environment: Environment,
): { readonly config: Partial<AgentConfig>; readonly facts: ConfigFacts } {
  const problems: string[] = [];
  const config: Partial<AgentConfig> = {};
  for (const [key, option] of Object.entries(agent)) {
    try {
      Object.assign(config, resolveOptions({ [key]: option }, flags, environment));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const known = new Set([
    ...[agent, ...others].flatMap((table) => Object.keys(table).map(variableName)),
    ...OF_THE_COMMAND,
  ]);
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith('ENJAMBRE_') && !known.has(name) && !OF_KUBERNETES.test(name))
    .sort()
    .map((name) => ({ name, meant: nearest(name, known) }));
  return { config, facts: { problems, unknown, dataDir: config.dataDir, sharedDir: config.sharedDir } };
}
