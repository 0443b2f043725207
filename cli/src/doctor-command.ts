import type { Command } from 'commander';
import { connectionOf, type MakeOutput } from './client-commands.js';
import type { Given } from './client-command.js';
import type { Context } from './context.js';
import { addServiceOptions, serviceFlags } from './service-options.js';

/** Adds `enjambre doctor`. It takes the flags of an agent, running or not. */
export function addDoctor(program: Command, context: Context, makeOutput: MakeOutput): void {
  program.commandsGroup('Troubleshooting:');
  const doctor = program
    .command('doctor')
    .description('check everything that an agent needs, and suggest fixes');
  program.hook('preSubcommand', async (_program, command) => {
    if (command !== doctor) return;
    const { agentOptions } = await import('@enjambre/peer-agent/config');
    addServiceOptions(doctor, agentOptions);
    doctor
      .optionsGroup('Common options:')
      .option('--json', 'print one JSON object per line, and nothing else, on standard output')
      .option('--agent <ADDR>', 'address of the agent: unix:PATH or HOST:PORT (ENJAMBRE_AGENT)')
      .option('--token <TOKEN>', 'control token of an agent reached over TCP (ENJAMBRE_TOKEN)')
      .option('--token-file <FILE>', 'file that holds the token (ENJAMBRE_TOKEN_FILE)');
    doctor.action(async () => {
      const given: Given = { ...program.opts(), ...doctor.opts() };
      const output = makeOutput({ json: given.json === true });
      const [{ doctor: run }, { trackerOptions }, { messagingOptions }] = await Promise.all([
        import('./commands/doctor.js'),
        import('@enjambre/tracker/config'),
        import('@enjambre/messaging/config'),
      ]);
      const tables = { agent: agentOptions, others: [trackerOptions, messagingOptions] };
      const session = { context, output, connection: connectionOf(given) };
      await context.interruptible((signal) =>
        run({ ...session, signal }, tables, serviceFlags(agentOptions, given)),
      );
    });
  });
}
