import type { Command } from 'commander';
import type { ConfigSources } from '@enjambre/common/config/config-file';
import type { OptionTable, Service } from '@enjambre/common/config/options';
import { configFileOf } from './configuration.js';
import type { Context } from './context.js';
import { addConfigFlag, addNotes, givenTo } from './global-flags.js';
import { addServiceOptions, serviceFlags } from './service-options.js';

interface ServiceCommand {
  readonly summary: string;
  /** Examples at the end of the help. */
  readonly notes: string;
  /** Loads the service's flags. Services are large, so only the one that runs is imported. */
  readonly options: () => Promise<OptionTable>;
  readonly run: () => Promise<
    (
      flags: ReturnType<typeof serviceFlags>,
      environment: Context['environment'],
      sources: ConfigSources,
    ) => Promise<void>
  >;
}

const DEV_NOTES = `
  enjambre dev --shared-dir ~/models       then, in another terminal: enjambre files`;

const TRACKER_NOTES = `
  enjambre tracker --ca ca                 one tracker, with its CA
  enjambre tracker --listen 127.0.0.1      for this machine only, without TLS
  enjambre tracker --tls tls --nats nats://nats.internal:4222`;

const MESSAGING_NOTES = `
  enjambre messaging --tls tls             messages are kept in memory
  enjambre messaging --tls tls --nats nats://nats.internal:4222`;

const AGENT_NOTES = `
  enjambre agent --tracker tracker.internal --join TOKEN
  enjambre agent --shared-dir /srv/models --max-upload 50MB --label zone=eu-1`;

const SERVICES: Readonly<Record<string, ServiceCommand>> = {
  dev: {
    summary: 'run a tracker, messaging service and agent in one process, to try it out',
    notes: DEV_NOTES,
    options: async () => (await import('./commands/dev.js')).devOptions,
    run: async () => (await import('./commands/dev.js')).dev,
  },
  tracker: {
    summary: 'run a tracker, the directory of peers and shared files',
    notes: TRACKER_NOTES,
    options: async () => (await import('@enjambre/tracker/config')).trackerOptions,
    run: async () => (await import('@enjambre/tracker/main')).run,
  },
  messaging: {
    summary: 'run a messaging service, which delivers messages between agents',
    notes: MESSAGING_NOTES,
    options: async () => (await import('@enjambre/messaging/config')).messagingOptions,
    run: async () => (await import('@enjambre/messaging/main')).run,
  },
  agent: {
    summary: 'run an agent, which shares and downloads files',
    notes: AGENT_NOTES,
    options: async () => (await import('@enjambre/peer-agent/config')).agentOptions,
    run: async () => (await import('@enjambre/peer-agent/main')).run,
  },
};

/** Adds the commands that run a service in the foreground. The flags of a service are added when it is selected. */
export function addServiceCommands(program: Command, context: Context): void {
  program.commandsGroup('Services, in the foreground until Ctrl-C:');
  for (const [name, { summary, notes }] of Object.entries(SERVICES))
    addNotes(program.command(name).description(summary), notes);
  program.hook('preSubcommand', async (_program, command) => {
    const service = SERVICES[command.name()];
    if (service) await prepare(command, service, context);
  });
}

/** The service whose variable an option has: `dev` reads those of its agent, except the addresses of the others. */
function serviceOf(name: string, key: string): Service | undefined {
  if (name === 'tracker' || name === 'messaging') return name;
  if (name === 'dev' && key === 'allowEndpoints') return 'tracker';
  return name === 'dev' && /^(tracker|messaging)/.test(key) ? undefined : 'agent';
}

/** Adds the flags of a service to its command; nothing for another command. */
export async function addOptionsOf(command: Command | undefined): Promise<void> {
  const service = command && SERVICES[command.name()];
  if (command && service) addOptions(command, await service.options());
}

function addOptions(command: Command, table: OptionTable): void {
  addServiceOptions(command, table, (key) => serviceOf(command.name(), key));
  addConfigFlag(command)
    .option('--json', 'same as --log-format json')
    .option('-q, --quiet', 'same as --log-level warn')
    .option('-v, --verbose', 'same as --log-level debug');
}

async function prepare(command: Command, service: ServiceCommand, context: Context): Promise<void> {
  const table = await service.options();
  addOptions(command, table);
  command.action(async () => {
    const { detachStandardStreams } = await import('@enjambre/common/log/standard-output');
    detachStandardStreams();
    const run = await service.run();
    const given = givenTo(command);
    const { startTracing } = await import('@enjambre/common/tracing/start-tracing');
    const endTracing = await startTracing(`enjambre-${command.name()}`, context.environment);
    try {
      const config = await configFileOf(given, context);
      const said = new Set<string>();
      await run(serviceFlags(table, given), context.environment, {
        config,
        deprecated: (variable, instead) => {
          if (said.has(variable)) return;
          said.add(variable);
          context.stderr.write(
            `enjambre: ${variable} is deprecated, and the next version ignores it: set ${instead}\n`,
          );
        },
      });
    } finally {
      await endTracing();
    }
  });
}
