import {
  DEFAULT_PORTS,
  formatAddress,
  isUnspecifiedHost,
  type Address,
} from '@enjambre/common/config/address';
import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import {
  resolveOptions,
  variableName,
  type Environment,
  type Flags,
  type Option,
  type OptionTable,
  type Resolved,
  type Service,
} from '@enjambre/common/config/options';
import { tcpAddressSchema } from '@enjambre/common/config/schemas';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { loadMetrics } from '@enjambre/common/metrics/load-metrics';
import { EnjambreError } from '@enjambre/core/error';
import { agentOptions } from '@enjambre/peer-agent/config';
import { createAgent } from '@enjambre/peer-agent/service';
import { messagingOptions } from '@enjambre/messaging/config';
import { createMessaging } from '@enjambre/messaging/service';
import { trackerOptions } from '@enjambre/tracker/config';
import { devLogOptions, logOptions, openDevLog, type DevLog } from './dev-log.js';
import { createTracker } from '@enjambre/tracker/service';
import { isLocal, tlsOptions } from '@enjambre/common/config/tls-options';
import { trustOptions } from './dev-trust-options.js';
import type { DevTrust } from './dev-trust.js';

const listens = {
  trackerListen: listenOption('tracker', DEFAULT_PORTS.tracker),
  messagingListen: listenOption('messaging service', DEFAULT_PORTS.messaging),
};

function listenOption(service: string, port: number) {
  return {
    placeholder: 'HOST[:PORT]',
    description: `listen address of the ${service}; without HOST, all IPv6 and IPv4 addresses; port 0 picks a free port`,
    schema: tcpAddressSchema(port),
    default: `:${String(port)}`,
  } satisfies Option;
}

/** The services of `dev` know each other, and have their own CA. */
const NOT_OF_DEV: ReadonlySet<string> = new Set([
  ...['tracker', 'messaging', 'join', 'healthListen'],
  ...Object.keys(tlsOptions),
]);

/** The flags of `enjambre dev`: the agent's without the addresses of services, plus their listen addresses. */
export const devOptions: OptionTable = {
  ...Object.fromEntries(Object.entries(agentOptions).filter(([key]) => !NOT_OF_DEV.has(key))),
  ...listens,
  allowEndpoints: trackerOptions.allowEndpoints,
  ...logOptions,
  ...trustOptions,
};

/** `enjambre dev`: tracker, messaging service and an agent in one process, until SIGINT or SIGTERM. */
export async function dev(
  flags: Flags,
  environment: Environment,
  sources: ConfigSources = {},
): Promise<void> {
  const given = { flags, environment, sources };
  const scope = scopeOf('agent', agentOptions, sources);
  const log = await openDevLog(resolveOptions(devLogOptions, flags, environment, scope), environment);
  await runUntilSignal(createNetwork(given, log));
}

type Listens = Readonly<Record<keyof typeof listens, Address>>;

/**
 * All services, each using those before it. Invalid options are refused before anything
 * starts. If a service does not start, the ones before it are stopped again.
 */
function createNetwork(given: Given, log: DevLog): Startable {
  const listen = resolveOptions(listens, given.flags, given.environment);
  trackerConfig(listen, given);
  agentConfig(listen, given);
  const started: Startable[] = [];
  const begin = async <T extends Startable>(service: T): Promise<T> => {
    await service.start();
    started.push(service);
    return service;
  };
  const stop = async (): Promise<void> => {
    for (const service of started.splice(0).reverse()) await service.stop();
  };
  const start = async (): Promise<void> => {
    // The agent serves the metrics of all services.
    const settings = agentConfig(listen, given);
    const trust = await trustOf(settings, listen);
    const measured = await loadMetrics(settings.metrics);
    const parts = (name: string) => ({ ...measured, log: log.logger(name) });
    const messagingService = createMessaging(messagingConfig(listen, given), {
      ...parts('messaging'),
      ...trust?.messaging,
    });
    const messaging = await begin(underFlag('messagingListen', messagingService));
    const bound = { ...listen, messagingListen: messaging.address };
    const trackerService = createTracker(trackerConfig(bound, given), {
      ...parts('tracker'),
      ...trust?.tracker,
    });
    const tracker = await begin(underFlag('trackerListen', trackerService));
    const config = agentConfig({ ...bound, trackerListen: tracker.address }, given);
    const beside = [messagingService.health, trackerService.health];
    const secured = { ...config, insecure: trust === undefined };
    const agent = await begin(createAgent(secured, { ...parts(config.name), beside }));
    log.started({
      name: config.name,
      dataDir: config.dataDir,
      tracker,
      messaging,
      agent,
      joinToken: trust?.joinToken,
    });
  };
  return {
    start: async () => {
      try {
        await start();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}

/** The certificates of a network that other machines can reach. */
async function trustOf(
  { dataDir, listen, control, insecure }: Resolved<typeof agentOptions>,
  { trackerListen, messagingListen }: Listens,
): Promise<DevTrust | undefined> {
  const addresses = [listen, trackerListen, messagingListen, ...(control ? [control] : [])];
  if (insecure || addresses.every(isLocal)) return undefined;
  const { openDevTrust } = await import('./dev-trust.js');
  return openDevTrust(dataDir);
}

interface Listening extends Startable {
  readonly address: Address;
}

/** Renames the setting `listen` of a service in errors: here that flag is the agent's. */
function underFlag(key: keyof Listens, service: Listening): Listening {
  return {
    start: () =>
      service.start().catch((error: unknown) => {
        throw error instanceof EnjambreError && error.metadata.setting === 'listen'
          ? error.with({ setting: key })
          : error;
      }),
    stop: () => service.stop(),
    get address() {
      return service.address;
    },
  };
}

interface Given {
  readonly flags: Flags;
  readonly environment: Environment;
  readonly sources: ConfigSources;
}

/** The flags that the tracker and the messaging service share with the agent. */
function common(
  listen: Address,
  { logLevel, logFormat, operatorTokenFile, addressBudget, allowEndpoints }: Flags,
): Flags {
  const shared = { logLevel, logFormat, operatorTokenFile, addressBudget, allowEndpoints };
  return { listen: formatAddress(listen), ...shared };
}

/** Without old forms of variables, such as ENJAMBRE_NAME and ENJAMBRE_METRICS: they are the agent's. */
function variablesOf(service: Service, environment: Environment, table: OptionTable): Environment {
  const own = Object.entries(table).flatMap(([key, { shared }]) => [
    variableName(key, service),
    ...(shared ? [variableName(key)] : []),
  ]);
  const kept = Object.entries(environment).filter(
    ([name]) => !name.startsWith('ENJAMBRE_') || own.includes(name),
  );
  return Object.fromEntries(kept);
}

function messagingConfig(
  { messagingListen }: Listens,
  { flags, environment, sources }: Given,
): Resolved<typeof messagingOptions> {
  const scope = scopeOf('messaging', messagingOptions, sources);
  const variables = variablesOf('messaging', environment, messagingOptions);
  return resolveOptions(messagingOptions, common(messagingListen, flags), variables, scope);
}

function trackerConfig(
  { trackerListen, messagingListen }: Listens,
  { flags, environment, sources }: Given,
): Resolved<typeof trackerOptions> {
  const its = { ...common(trackerListen, flags), messaging: near(messagingListen) };
  const variables = variablesOf('tracker', environment, trackerOptions);
  return resolveOptions(trackerOptions, its, variables, scopeOf('tracker', trackerOptions, sources));
}

function agentConfig(
  { trackerListen, messagingListen }: Listens,
  { flags, environment, sources }: Given,
): Resolved<typeof agentOptions> {
  const services = { tracker: near(trackerListen), messaging: near(messagingListen) };
  const scope = scopeOf('agent', agentOptions, sources);
  return resolveOptions(agentOptions, { ...flags, ...services }, environment, scope);
}

/** Address for calls to a service in this process. */
function near(address: Address): string {
  return formatAddress(
    address.kind === 'tcp' && isUnspecifiedHost(address.host) ? { ...address, host: '127.0.0.1' } : address,
  );
}
