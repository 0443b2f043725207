import { formatAddress, isUnspecifiedHost, type Address } from '@enjambre/common/config/address';
import {
  flagName,
  resolveOptions,
  type Environment,
  type Flags,
  type Option,
  type OptionTable,
  type Resolved,
} from '@enjambre/common/config/options';
import { tcpAddressSchema } from '@enjambre/common/config/schemas';
import { cannotListen } from '@enjambre/common/grpc/server';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { EnjambreError } from '@enjambre/core/error';
import { agentOptions } from '@enjambre/peer-agent/config';
import { createAgent } from '@enjambre/peer-agent/service';
import { trackerOptions } from '@enjambre/tracker/config';
import { createTracker } from '@enjambre/tracker/service';

const trackerListen = {
  placeholder: 'HOST:PORT',
  description: 'where the tracker listens; port 0 picks a free one',
  schema: tcpAddressSchema,
  default: '0.0.0.0:7070',
} satisfies Option;

/** The flags of `enjambre dev`: the agent's, but for --tracker, and where the tracker listens. */
export const devOptions: OptionTable = {
  ...Object.fromEntries(Object.entries(agentOptions).filter(([key]) => key !== 'tracker')),
  trackerListen,
};

/** `enjambre dev`: a tracker and an agent in one process, until SIGINT or SIGTERM. */
export async function dev(flags: Flags, environment: Environment): Promise<void> {
  await runUntilSignal(createNetwork(flags, environment));
}

/**
 * A tracker and an agent that uses it. Wrong options are refused before anything starts;
 * if the agent does not start, the tracker is stopped again.
 */
function createNetwork(flags: Flags, environment: Environment): Startable {
  const { trackerListen: listen } = resolveOptions({ trackerListen }, flags, environment);
  const tracker = createTracker(trackerConfig(listen, flags, environment));
  agentConfig(listen, flags, environment);
  let agent: Startable | undefined;
  return {
    async start() {
      await tracker.start().catch((error: unknown) => {
        throw underItsFlag(error, listen);
      });
      try {
        const made = createAgent(agentConfig(tracker.address, flags, environment));
        await made.start();
        agent = made;
      } catch (error) {
        await tracker.stop();
        throw error;
      }
    },
    async stop() {
      await agent?.stop();
      await tracker.stop();
    },
  };
}

/** A tracker names --listen, which is the agent's here. */
function underItsFlag(error: unknown, listen: Address): unknown {
  const ofListening = error instanceof EnjambreError && /^(PORT_IN_USE|CANNOT_LISTEN)$/.test(error.reason);
  return ofListening ? cannotListen(listen, error.cause, flagName('trackerListen')) : error;
}

/** The environment's LISTEN and NAME are the agent's here. */
function trackerConfig(
  listen: Address,
  { logLevel, logFormat }: Flags,
  { ENJAMBRE_LOG_LEVEL, ENJAMBRE_LOG_FORMAT }: Environment,
): Resolved<typeof trackerOptions> {
  const flags = { listen: formatAddress(listen), logLevel, logFormat };
  return resolveOptions(trackerOptions, flags, { ENJAMBRE_LOG_LEVEL, ENJAMBRE_LOG_FORMAT });
}

function agentConfig(
  tracker: Address,
  flags: Flags,
  environment: Environment,
): Resolved<typeof agentOptions> {
  const near =
    tracker.kind === 'tcp' && isUnspecifiedHost(tracker.host) ? { ...tracker, host: '127.0.0.1' } : tracker;
  return resolveOptions(agentOptions, { ...flags, tracker: formatAddress(near) }, environment);
}
