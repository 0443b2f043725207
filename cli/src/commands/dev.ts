import { formatAddress, isUnspecifiedHost, type Address } from '@enjambre/common/config/address';
import {
  resolveOptions,
  type Environment,
  type Flags,
  type Option,
  type OptionTable,
  type Resolved,
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

const listens = {
  trackerListen: listenOption('tracker', ':7070'),
  messagingListen: listenOption('messaging service', ':7071'),
};

function listenOption(service: string, fallback: string) {
  return {
    placeholder: 'HOST:PORT',
    description: `listen address of the ${service}; without HOST, all IPv6 and IPv4 addresses; port 0 picks a free port`,
    schema: tcpAddressSchema,
    default: fallback,
  } satisfies Option;
}

/** The flags of `enjambre dev`: the agent's without the addresses of services, plus their listen addresses. */
export const devOptions: OptionTable = {
  ...Object.fromEntries(
    Object.entries(agentOptions).filter(([key]) => key !== 'tracker' && key !== 'messaging'),
  ),
  ...listens,
  allowEndpoints: trackerOptions.allowEndpoints,
  ...logOptions,
};

/** `enjambre dev`: tracker, messaging service and an agent in one process, until SIGINT or SIGTERM. */
export async function dev(flags: Flags, environment: Environment): Promise<void> {
  const log = await openDevLog(resolveOptions(devLogOptions, flags, environment), environment);
  await runUntilSignal(createNetwork(flags, environment, log));
}

type Listens = Readonly<Record<keyof typeof listens, Address>>;

/**
 * All services, each using those before it. Invalid options are refused before anything
 * starts. If a service does not start, the ones before it are stopped again.
 */
function createNetwork(flags: Flags, environment: Environment, log: DevLog): Startable {
  const listen = resolveOptions(listens, flags, environment);
  trackerConfig(listen, flags, environment);
  agentConfig(listen, flags, environment);
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
    const measured = await loadMetrics(agentConfig(listen, flags, environment).metrics);
    const parts = (name: string) => ({ ...measured, log: log.logger(name) });
    const messagingService = createMessaging(messagingConfig(listen, flags, environment), parts('messaging'));
    const messaging = await begin(underFlag('messagingListen', messagingService));
    const bound = { ...listen, messagingListen: messaging.address };
    const trackerService = createTracker(trackerConfig(bound, flags, environment), parts('tracker'));
    const tracker = await begin(underFlag('trackerListen', trackerService));
    const config = agentConfig({ ...bound, trackerListen: tracker.address }, flags, environment);
    const beside = [messagingService.health, trackerService.health];
    const agent = await begin(createAgent(config, { ...parts(config.name), beside }));
    log.started({ name: config.name, dataDir: config.dataDir, tracker, messaging, agent });
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

/** The flags and variables that the services get: LISTEN and NAME are the agent's. */
function common(
  listen: Address,
  { logLevel, logFormat, operatorTokenFile, addressBudget, allowEndpoints }: Flags,
  environment: Environment,
): [Flags, Environment] {
  const { ENJAMBRE_LOG_LEVEL, ENJAMBRE_LOG_FORMAT, ENJAMBRE_OPERATOR_TOKEN_FILE } = environment;
  const { ENJAMBRE_ADDRESS_BUDGET, ENJAMBRE_ALLOW_ENDPOINTS, HOME, XDG_DATA_HOME } = environment;
  return [
    { listen: formatAddress(listen), logLevel, logFormat, operatorTokenFile, addressBudget, allowEndpoints },
    {
      ...{ ENJAMBRE_LOG_LEVEL, ENJAMBRE_LOG_FORMAT, ENJAMBRE_OPERATOR_TOKEN_FILE },
      ...{ ENJAMBRE_ADDRESS_BUDGET, ENJAMBRE_ALLOW_ENDPOINTS, HOME, XDG_DATA_HOME },
    },
  ];
}

function messagingConfig(
  { messagingListen }: Listens,
  flags: Flags,
  environment: Environment,
): Resolved<typeof messagingOptions> {
  return resolveOptions(messagingOptions, ...common(messagingListen, flags, environment));
}

function trackerConfig(
  { trackerListen, messagingListen }: Listens,
  flags: Flags,
  environment: Environment,
): Resolved<typeof trackerOptions> {
  const [its, variables] = common(trackerListen, flags, environment);
  return resolveOptions(trackerOptions, { ...its, messaging: near(messagingListen) }, variables);
}

function agentConfig(
  { trackerListen, messagingListen }: Listens,
  flags: Flags,
  environment: Environment,
): Resolved<typeof agentOptions> {
  const services = { tracker: near(trackerListen), messaging: near(messagingListen) };
  return resolveOptions(agentOptions, { ...flags, ...services }, environment);
}

/** Address for calls to a service in this process. */
function near(address: Address): string {
  return formatAddress(
    address.kind === 'tcp' && isUnspecifiedHost(address.host) ? { ...address, host: '127.0.0.1' } : address,
  );
}
