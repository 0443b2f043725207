import type { Command, Option } from 'commander';
import type { ArgumentKind, ClientCommand, Flag } from '../client-command.js';

/** What can be typed at the end of a command line. */
export interface Place {
  /** Words that are offered as they are. */
  readonly words: readonly string[];
  /** Values of this kind are offered, too. */
  readonly kind?: ArgumentKind | undefined;
}

export interface CommandLine {
  readonly program: Command;
  /** The tables of the commands, with the kinds of their arguments. */
  readonly commands: readonly ClientCommand[];
  /** Flags of every command. */
  readonly flags: readonly Flag[];
  /** False if the line names an agent that cannot be found. */
  readonly isReachable: boolean;
}

/** Kinds of values by their placeholder, for flags that do not say it. */
const KINDS: Readonly<Record<string, ArgumentKind>> = { DIR: 'folder', FILE: 'path' };
const NOTHING: Place = { words: [] };

/** The place after `before`, where the word `current` is being typed. */
export function placeOf(
  { program, commands, flags }: Omit<CommandLine, 'isReachable'>,
  before: readonly string[],
  current: string,
): Place {
  const line = read(program, before);
  const { command, operands, open } = line;
  const table = commands.find(({ usage }) => nameOf(usage) === command?.name());
  if (open) return valueOf(open, [...(table?.flags ?? []), ...flags]);
  if (current.startsWith('-') && !line.isEnded)
    return { words: flagNames([program, ...(command ? [command] : [])]) };
  if (!command)
    return { words: program.commands.filter((each) => !isHidden(each)).map((each) => each.name()) };
  return argumentOf(command, operands, table);
}

function argumentOf(command: Command, index: number, table: ClientCommand | undefined): Place {
  const args = command.registeredArguments;
  const arg = args[index] ?? (args.at(-1)?.variadic === true ? args.at(-1) : undefined);
  if (!arg) return NOTHING;
  return { words: table?.choices?.[arg.name()] ?? [], kind: table?.kinds?.[arg.name()] };
}

/** Bash takes a word apart at ":" and "=", as in `unix:/path`: the words before the current one, as they were typed. */
export function asTyped(words: readonly string[]): string[] {
  const typed: string[] = [];
  let isOpen = false;
  for (const word of words) {
    const isSeparator = /^[:=]+$/.test(word) && typed.length > 0;
    if (isSeparator || isOpen) typed.push((typed.pop() ?? '') + word);
    else typed.push(word);
    isOpen = isSeparator;
  }
  const last = typed.pop();
  // The value of `--flag=` is being typed: as after `--flag`.
  return last === undefined ? [] : [...typed, /^--[^=]+=$/.test(last) ? last.slice(0, -1) : last];
}

/** The values of flags on a command line, by their camelCase names; the last one given wins. */
export function givenIn(program: Command, words: readonly string[]): Record<string, string> {
  const given: Record<string, string> = {};
  let open: Option | undefined;
  for (const word of words) {
    if (word === '--') break;
    if (open) given[open.attributeName()] = word;
    const [flag = '', value] = open ? [] : word.split(/=(.*)/s);
    const option = program.options.find(
      ({ long, short }) => flag !== '' && (long === flag || short === flag),
    );
    open = option?.required === true && value === undefined ? option : undefined;
    if (option && value !== undefined) given[option.attributeName()] = value;
  }
  return given;
}

interface Line {
  readonly command: Command | undefined;
  /** Arguments of the command so far. */
  readonly operands: number;
  /** The flag whose value comes next. */
  readonly open: Option | undefined;
  /** After `--`, nothing is a flag. */
  readonly isEnded: boolean;
}

function read(program: Command, words: readonly string[]): Line {
  let command: Command | undefined;
  let operands = 0;
  let open: Option | undefined;
  let isEnded = false;
  for (const word of words) {
    if (open) open = undefined;
    else if (word === '--') isEnded = true;
    else if (word.startsWith('-') && !isEnded) {
      const option = optionsOf(program, command).find(({ long, short }) => long === word || short === word);
      open = option?.required === true ? option : undefined;
    } else if (command) operands += 1;
    else command = program.commands.find((each) => each.name() === word);
  }
  return { command, operands, open, isEnded };
}

function optionsOf(program: Command, command: Command | undefined): readonly Option[] {
  return [...(command?.options ?? []), ...program.options];
}

function valueOf({ long, flags: usage, argChoices = [] }: Option, flags: readonly Flag[]): Place {
  const said = flags.find(({ flags: names }) => names.split(/[ ,]+/).includes(long ?? ''))?.kind;
  const [, placeholder = ''] = /<([A-Z]+)/.exec(usage) ?? [];
  return { words: argChoices, kind: said ?? KINDS[placeholder] };
}

function flagNames(commands: readonly Command[]): string[] {
  const names = commands.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  return [...new Set([...names, '--help'])];
}

function isHidden(command: Command): boolean {
  return command.name().startsWith('_');
}

function nameOf(usage: string): string {
  return usage.split(' ')[0] ?? '';
}
