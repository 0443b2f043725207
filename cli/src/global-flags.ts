import { EnjambreError } from '@enjambre/core/error';
import type { Command } from 'commander';
import type { Flag, Given } from './client-command.js';
import type { Layout, OutputMode } from './output.js';
import { wrapNotes } from './render/notes.js';

/** Flags that every command takes, before or after its name; the last one given wins. */

const OUTPUT: readonly Flag[] = [
  { flags: '--json', description: 'print one JSON object per line, and nothing else, on standard output' },
  { flags: '-q, --quiet', description: 'print only results and errors; lists print only ids' },
  { flags: '-v, --verbose', description: 'also report on standard error which servers are called' },
];

/** Of every command that opens connections. */
export const TLS_FLAGS: readonly Flag[] = [
  {
    flags: '--tls <DIR>',
    description:
      'folder with ca.crt, tls.crt and tls.key, for connections over TCP (default: the certificate of the agent, if it has joined a network)',
    kind: 'folder',
  },
  { flags: '--insecure', description: 'connect without TLS, although the agent has joined a network' },
];

const CONNECTION: readonly Flag[] = [
  {
    flags: '--agent <ADDR>',
    description:
      'address of the agent: unix:PATH or HOST[:7073] (default unix:<data-dir>/agent.sock; ENJAMBRE_AGENT)',
    kind: 'address',
  },
  {
    flags: '--data-dir <DIR>',
    description: 'data folder of the agent, which contains its socket (ENJAMBRE_DATA_DIR)',
    kind: 'folder',
  },
  {
    flags: '--token <TOKEN>',
    description:
      'control token of an agent reached over TCP (default: read from <data-dir>/control.token; ENJAMBRE_TOKEN)',
  },
  {
    flags: '--token-file <FILE>',
    description: 'file that holds the token (ENJAMBRE_TOKEN_FILE)',
    kind: 'path',
  },
  ...TLS_FLAGS,
];

const SORT_PARTS = /^([^:]+)(?::(asc|desc))?$/;

/** The flags of a command that prints a list with `columns`, as named in `--columns`. */
export function layoutFlags(columns: string): readonly Flag[] {
  return [
    {
      flags: '--wide',
      description: 'show all columns, and shorten nothing to fit the terminal; pipes always get all',
    },
    {
      flags: '--columns <LIST>',
      description: `columns to show, separated by commas: ${columns}`,
      parse: (list) => list.split(',').map((name) => name.trim()),
      kind: 'column',
    },
    {
      flags: '--sort <COLUMN>',
      description: 'sort by a column; COLUMN:desc for the largest or last first',
      parse: (said) => {
        const [, column, order] = SORT_PARTS.exec(said.trim()) ?? [];
        if (column !== undefined) return { column, descending: order === 'desc' };
        const message = `--sort: "${said}" is no order: write COLUMN, or COLUMN:desc`;
        throw new EnjambreError('invalid', 'BAD_OPTION', message);
      },
      kind: 'column',
    },
  ];
}

/** The flag of a command that prints tables besides other facts. */
export const wideFlag: Flag = {
  flags: '--wide',
  description: 'shorten nothing to fit the terminal',
};

export const CONFIG_FLAG: Flag = {
  flags: '--config <FILE>',
  description: 'configuration file (default ~/.config/enjambre/config.yaml; ENJAMBRE_CONFIG)',
  kind: 'path',
};

const CONTEXT: Flag = {
  flags: '--context <NAME>',
  description: 'context of the configuration file (default its current-context; ENJAMBRE_CONTEXT)',
  kind: 'context',
};

/** The flags of every command that calls an agent, for completion. */
export const GLOBAL_FLAGS: readonly Flag[] = [...OUTPUT, ...CONNECTION, CONTEXT, CONFIG_FLAG];

/** Adds `flags` to a command, each with its parser. */
export function addFlags(command: Command, flags: readonly Flag[]): Command {
  for (const { flags: names, description, parse } of flags) {
    if (parse) command.option(names, description, parse as (value: string, previous: unknown) => unknown);
    else command.option(names, description);
  }
  return command;
}

/** Adds text to the end of a help; see {@link wrapNotes}. */
export function addNotes(command: Command, notes: string): void {
  const widthOf = (): number => command.configureOutput().getOutHelpWidth?.() ?? 80;
  command.addHelpText('after', () => wrapNotes(notes, widthOf()));
}

/** The flags of commands that call no agent. */
export function addOutputFlags(command: Command): Command {
  return addFlags(command, OUTPUT);
}

export function addConfigFlag(command: Command): Command {
  return addFlags(command, [CONFIG_FLAG]);
}

/** The flags that select an agent, except those that the command has already. */
export function addConnectionFlags(command: Command): Command {
  const known = new Set(command.options.map(({ long }) => long));
  const isNew = ({ flags }: Flag): boolean => !known.has(flags.split(' ')[0]);
  return addFlags(command, [...CONNECTION, CONTEXT, CONFIG_FLAG].filter(isNew));
}

/** The flags given before and after the command's name. */
export function givenTo(command: Command): Given {
  return { ...command.parent?.opts(), ...command.opts() };
}

export function outputModeOf(given: Given): OutputMode {
  const { json, quiet, verbose, wide, columns, sort } = given;
  return {
    json: json === true,
    quiet: quiet === true,
    verbose: verbose === true,
    layout: { wide: wide === true, columns, sort } as Layout,
  };
}
