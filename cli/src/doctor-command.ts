import type { Command } from 'commander';
import { connectionOf } from './configuration.js';
import { securedBy } from './secured.js';
import type { Flags } from '@enjambre/common/config/options';
import type { Context, Session } from './context.js';
import { addConnectionFlags, addOutputFlags, givenTo, outputModeOf } from './global-flags.js';
import type { MakeOutput } from './output.js';
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
    addServiceOptions(doctor, agentOptions, () => 'agent');
    addConnectionFlags(addOutputFlags(doctor.optionsGroup('Common options:')));
    doctor.action(async () => {
      const given = givenTo(doctor);
      const output = makeOutput(outputModeOf(given));
      const reached = await connectionOf(given, context);
      const session = { context: securedBy(reached.connection, context), output, ...reached };
      await context.interruptible((signal) =>
        examineAgent({ ...session, signal }, serviceFlags(agentOptions, given)),
      );
    });
  });
}

/** Runs the checks of `enjambre doctor`. @param flags of the agent, whether it runs or not */
export async function examineAgent(session: Session, flags: Flags): Promise<void> {
  const [{ doctor }, { agentOptions }, { trackerOptions }, { messagingOptions }] = await Promise.all([
    import('./commands/doctor.js'),
    import('@enjambre/peer-agent/config'),
    import('@enjambre/tracker/config'),
    import('@enjambre/messaging/config'),
  ]);
  const services = { agent: agentOptions, tracker: trackerOptions, messaging: messagingOptions };
  await doctor(session, { agent: agentOptions, services }, flags);
}
