import { Command, CommanderError } from 'commander';
import { VERSION } from '@enjambre/common/version';
import { addClientCommands, REF_NOTE } from './client-commands.js';
import type { Context } from './context.js';
import { addDoctor } from './doctor-command.js';
import { EXIT, failureOf, reportFailure, ReportedFailure, type ExitCode, type Failure } from './exit.js';
import { addConnectionFlags, addNotes, addOutputFlags } from './global-flags.js';
import { Output, wantsColor, type MakeOutput, type OutputMode } from './output.js';
import { addServiceCommands } from './service-commands.js';

const HELP_CODES = new Set(['commander.helpDisplayed', 'commander.version']);

/**
 * Runs the command line `args` (without the program's name) and returns the exit code. Never
 * throws: an error is reported as one sentence on standard error and, with --json, as an
 * object on standard output as well.
 */
export async function run(args: readonly string[], context: Context): Promise<ExitCode> {
  const program = createProgram(context);
  try {
    await program.parseAsync(helpFirst(program, args), { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError && HELP_CODES.has(error.code)) return EXIT.done;
    if (error instanceof ReportedFailure) return error.exitCode;
    if (args.length === 0) context.stderr.write(program.helpInformation({ error: true }));
    const failure = error instanceof CommanderError ? usageFailure(error, program, args) : failureOf(error);
    reportFailure(failure, outputOf(context, { json: saysJson(args) }));
    return failure.exitCode;
  }
}

/** The command line, without the flags of services, which are added when one is selected. */
export function createProgram(context: Context): Command {
  const program = new Command('enjambre')
    .description("Moves large files to many machines at once: BitTorrent's algorithms over gRPC.")
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      // `report` prints usage errors, in our own form.
      writeErr: () => undefined,
      getOutHasColors: () => wantsColor(context.stdout, context.environment),
      getOutHelpWidth: () => context.stdout.columns || 100,
    });
  addNotes(program, REF_NOTE);
  addConnectionFlags(addOutputFlags(program));
  const makeOutput: MakeOutput = (mode) => outputOf(context, mode);
  addServiceCommands(program, context);
  addClientCommands(program, context, makeOutput);
  addDoctor(program, context, makeOutput);
  return program;
}

/** `get <REF...>`, without "[options]": every command has some. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((arg) => {
    const name = `${arg.name()}${arg.variadic ? '...' : ''}`;
    return arg.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

function outputOf(context: Context, mode: OutputMode): Output {
  const color = !mode.json && wantsColor(context.stdout, context.environment);
  return new Output(context.stdout, context.stderr, { ...mode, color });
}

/** Rewrites `enjambre help get` to `enjambre get --help`; an unknown command then fails as usual. */
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

/** Index of the first of `args` that is neither a flag nor the value of one. */
function operandIndex({ options }: Command, args: readonly string[]): number {
  let at = 0;
  while (args[at]?.startsWith('-'))
    at += options.find(({ long, short }) => long === args[at] || short === args[at])?.required ? 2 : 1;
  return at;
}

function saysJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).includes('--json');
}

/** The command that `args` name; empty if none. An argument before it may be the value of a flag. */
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
  const hint = `see \`enjambre ${isKnown ? `${command} ` : ''}--help\``;
  const flag = error.code === 'commander.unknownOption' ? kindredFlags(said, program, command) : '';
  const what = error.code === 'commander.help' ? 'missing command' : `${said}${flag}`;
  return { reason: 'USAGE', message: `${what}: ${hint}`, exitCode: EXIT.usage };
}

/** Flags that share a word with the unknown one; commander itself only suggests flags of similar spelling. */
function kindredFlags(said: string, program: Command, command: string): string {
  const [, unknown] = /^unknown option '--([^'=]+)[^']*'$/.exec(said) ?? [];
  const words = new Set(unknown?.split('-'));
  const options = program.commands.find((each) => each.name() === command)?.options ?? program.options;
  const kindred = options
    .flatMap(({ long }) => long ?? [])
    .filter((long) => long.split('-').some((word) => word !== '' && words.has(word)));
  return kindred.length === 0 ? '' : ` (Did you mean ${kindred.join(' or ')}?)`;
}
