import type { Command } from 'commander';
import type { OptionTable } from '@enjambre/common/config/options';
import type { Context } from './context.js';
import { addServiceOptions, serviceFlags } from './service-options.js';

interface Service {
  readonly summary: string;
  /** Loads the service's flags. Services are large: what is not run is not loaded. */
  readonly options: () => Promise<OptionTable>;
  readonly run: () => Promise<
    (flags: ReturnType<typeof serviceFlags>, environment: Context['environment']) => Promise<void>
  >;
}

const SERVICES: Readonly<Record<string, Service>> = {
  dev: {
    summary: 'tracker, messaging and one agent in one process, to try things out',
    options: async () => (await import('./commands/dev.js')).devOptions,
    run: async () => (await import('./commands/dev.js')).dev,
  },
  tracker: {
    summary: 'the tracker: who has which file',
    options: async () => (await import('@enjambre/tracker/config')).trackerOptions,
    run: async () => (await import('@enjambre/tracker/main')).run,
  },
  messaging: {
    summary: 'the relay: messages between agents',
    options: async () => (await import('@enjambre/messaging/config')).messagingOptions,
    run: async () => (await import('@enjambre/messaging/main')).run,
  },
  agent: {
    summary: 'an agent: shares and downloads files',
    options: async () => (await import('@enjambre/peer-agent/config')).agentOptions,
    run: async () => (await import('@enjambre/peer-agent/main')).run,
  },
};

/** Adds the commands that run a service in the foreground. Their flags are made when one is chosen. */
export function addServiceCommands(program: Command, context: Context): void {
  program.commandsGroup('Services, in the foreground until Ctrl-C:');
  for (const [name, { summary }] of Object.entries(SERVICES)) program.command(name).description(summary);
  program.hook('preSubcommand', async (_program, command) => {
    const service = SERVICES[command.name()];
    if (service) await prepare(command, service, context);
  });
}

async function prepare(command: Command, service: Service, context: Context): Promise<void> {
  const table = await service.options();
  addServiceOptions(command, table);
  command.option('--json', 'the same as --log-format json');
  command.action(async () => {
    const { detachStandardStreams } = await import('@enjambre/common/log/standard-output');
    detachStandardStreams();
    const run = await service.run();
    await silenceGrpc(context.environment);
    const given = { ...command.parent?.opts(), ...command.opts() };
    const { startTracing } = await import('@enjambre/common/tracing/start-tracing');
    const endTracing = await startTracing(`enjambre-${command.name()}`, context.environment);
    try {
      await run(serviceFlags(table, given), context.environment);
    } finally {
      await endTracing();
    }
  });
}

/** grpc-js writes lines of its own to standard error beside the errors that it throws; GRPC_VERBOSITY brings them back. */
async function silenceGrpc({ GRPC_VERBOSITY }: Context['environment']): Promise<void> {
  const { logVerbosity, setLogVerbosity } = await import('@grpc/grpc-js');
  if (!GRPC_VERBOSITY) setLogVerbosity(logVerbosity.NONE);
}
