import { Command, CommanderError } from 'commander';
import { VERSION } from '@enjambre/common/version';
import { addClientCommands } from './client-commands.js';
import type { Context } from './context.js';
import { addDoctor } from './doctor-command.js';
import { EXIT, failureOf, type ExitCode, type Failure } from './exit.js';
import { Output, wantsColor } from './output.js';
import { addServiceCommands } from './service-commands.js';

const HELP_CODES = new Set(['commander.helpDisplayed', 'commander.version']);

/**
 * The whole command: parses `args` (those after the program's name), does what they say
 * and returns the exit code. Never throws; what goes wrong is one sentence on standard
 * error and, with --json, an object on standard output as well.
 */
export async function run(args: readonly string[], context: Context): Promise<ExitCode> {
  const program = createProgram(context);
  try {
    await program.parseAsync(helpFirst(program, args), { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError && HELP_CODES.has(error.code)) return EXIT.done;
    if (args.length === 0) context.stderr.write(program.helpInformation({ error: true }));
    const failure = error instanceof CommanderError ? usageFailure(error, program, args) : failureOf(error);
    report(failure, outputOf(context, { json: saysJson(args) }));
    return failure.exitCode;
  }
}

function createProgram(context: Context): Command {
  const program = new Command('enjambre')
    .description("Moves large files to many machines at once: BitTorrent's algorithms over gRPC.")
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .option('--json', 'one JSON object a line on standard output, nothing else')
    .option(
      '--agent <ADDR>',
      'which agent: unix:PATH or HOST:PORT (default unix:<data-dir>/agent.sock; ENJAMBRE_AGENT)',
    )
    .option('--data-dir <DIR>', "the agent's data folder, where its socket is (ENJAMBRE_DATA_DIR)")
    .option(
      '--token <TOKEN>',
      'token of an agent reached over TCP (default <data-dir>/control.token; ENJAMBRE_TOKEN)',
    )
    .addHelpText(
      'after',
      `\nREF is an infohash or its first 8 or more digits, a magnet link, a .torrent path (- for standard input), or a name.`,
    )
    .configureHelp({ subcommandTerm: termOf })
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      // Usage errors are told by `report`, in our own form.
      writeErr: () => undefined,
      getOutHasColors: () => wantsColor(context.stdout, context.environment),
      getOutHelpWidth: () => context.stdout.columns || 100,
    });
  addServiceCommands(program, context);
  addClientCommands(program, context, (options) => outputOf(context, options));
  addDoctor(program, context, (options) => outputOf(context, options));
  return program;
}

/** `get <REF>`: every command has options, so that is not worth saying. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((arg) =>
    arg.required ? `<${arg.name()}>` : `[${arg.name()}]`,
  );
  return [command.name(), ...args].join(' ');
}

function outputOf(context: Context, options: { readonly json: boolean }): Output {
  const color = !options.json && wantsColor(context.stdout, context.environment);
  return new Output(context.stdout, context.stderr, { json: options.json, color });
}

/** `enjambre help get` asks for what `enjambre get --help` asks for; `help` of no command is that command's error. */
function helpFirst(program: Command, args: readonly string[]): string[] {
  const at = operandIndex(program, args);
  if (args[at] !== 'help') return [...args];
  const name = args.slice(at + 1).find((arg) => !arg.startsWith('-'));
  const isKnown = program.commands.some((command) => command.name() === name);
  return [
    ...args.slice(0, at),
    ...(name === undefined ? [] : [name]),
    ...(name && !isKnown ? [] : ['--help']),
  ];
}

/** Where the first of `args` is that is neither a flag nor its value. */
function operandIndex({ options }: Command, args: readonly string[]): number {
  let at = 0;
  while (args[at]?.startsWith('-')) at += options.find(({ long }) => long === args[at])?.required ? 2 : 1;
  return at;
}

function saysJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).includes('--json');
}

/** The command that `args` name; empty if none. What stands before it may be the value of a flag. */
function commandIn(program: Command, args: readonly string[]): string {
  const names = new Set(program.commands.map((command) => command.name()));
  return args.find((arg) => names.has(arg)) ?? '';
}

function usageFailure(error: CommanderError, program: Command, args: readonly string[]): Failure {
  const command = commandIn(program, args);
  const said = error.message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
  const isKnown = command !== '' && error.code !== 'commander.unknownCommand';
  const hint = `\`enjambre ${isKnown ? `${command} ` : ''}--help\` tells more`;
  const flag = error.code === 'commander.unknownOption' ? kindredFlags(said, program, command) : '';
  const what = error.code === 'commander.help' ? 'a command is missing' : `${said}${flag}`;
  return { reason: 'USAGE', message: `${what}: ${hint}`, exitCode: EXIT.usage };
}

/** Flags that have a word in common with the unknown one; commander itself knows only those that are spelled alike. */
function kindredFlags(said: string, program: Command, command: string): string {
  const [, unknown] = /^unknown option '--([^'=]+)[^']*'$/.exec(said) ?? [];
  const words = new Set(unknown?.split('-'));
  const options = program.commands.find((each) => each.name() === command)?.options ?? program.options;
  const kindred = options
    .flatMap(({ long }) => long ?? [])
    .filter((long) => long.split('-').some((word) => word !== '' && words.has(word)));
  return kindred.length === 0 ? '' : ` (Did you mean ${kindred.join(' or ')}?)`;
}

function report({ reason, message, exitCode }: Failure, output: Output): void {
  output.note(`enjambre: ${message}`);
  output.object({ type: 'error', reason, message, exit_code: exitCode });
}
