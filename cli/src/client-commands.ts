import type { Command } from 'commander';
import { EnjambreError } from '@enjambre/core/error';
import type { ClientCommand, Flag } from './client-command.js';
import type { Context } from './context.js';
import {
  addConnectionFlags,
  addFlags,
  addNotes,
  CONFIG_FLAG,
  TLS_FLAGS,
  GLOBAL_FLAGS,
  addOutputFlags,
  givenTo,
  layoutFlags,
  outputModeOf,
} from './global-flags.js';
import { CA } from './ca-command.js';
import { connectionOf, tlsOf } from './configuration.js';
import { securedBy } from './secured.js';
import { traced } from './traced.js';
import { present, text } from './option-values.js';
import type { MakeOutput, Output } from './output.js';
import { SHELLS } from './completion/scripts.js';
import { addOptionsOf } from './service-commands.js';
import { append } from './service-options.js';
import { SHARING } from './sharing-commands.js';
import { TRANSFERS } from './transfer-commands.js';
import { MESSAGES } from './message-commands.js';

const trackerFlag: Flag = {
  flags: '--tracker <HOST[:PORT]>',
  description: 'query this tracker instead of the agent (ENJAMBRE_TRACKER)',
  kind: 'address',
};

const INSPECT: ClientCommand = {
  usage: 'inspect <FILE...>',
  summary: 'show the contents of .torrent files (- for standard input); needs no agent',
  kinds: { FILE: 'torrent' },
  flags: [{ flags: '--all', description: 'show the whole file tree' }],
  alone: true,
  handle: async (session, files, given) =>
    (await import('./commands/inspect.js')).inspect(session, files.map(present('FILE: a path is missing')), {
      all: given.all === true,
    }),
};

const CONFIG: ClientCommand = {
  usage: 'config [ACTION] [NAME]',
  summary: 'show the configuration file, and choose how commands reach their agent',
  kinds: { NAME: 'context' },
  choices: {
    ACTION: ['view', 'get-contexts', 'current-context', 'use-context', 'set-context', 'delete-context'],
  },
  flags: [
    { flags: '--agent <ADDR>', description: 'set-context: address of the agent', kind: 'address' },
    { flags: '--data-dir <DIR>', description: 'set-context: data folder of the agent', kind: 'folder' },
    {
      flags: '--token-file <FILE>',
      description: 'set-context: file that holds the control token',
      kind: 'path',
    },
    { flags: '--tracker <HOST[:PORT]>', description: 'set-context: tracker to query', kind: 'address' },
    { flags: '--tls <DIR>', description: 'set-context: folder of the certificate files', kind: 'folder' },
    CONFIG_FLAG,
  ],
  notes: `
Actions, as of kubectl config:
  view                                 print the file (the default)
  get-contexts, current-context        list the contexts; print the current one
  use-context NAME                     make a context the current one
  set-context NAME --agent ADDR ...    add a context, or change one
  delete-context NAME                  delete a context`,
  alone: true,
  handle: async (session, words, given) =>
    (await import('./commands/config.js')).config(session, words, given),
};

const COMPLETION: ClientCommand = {
  usage: 'completion <SHELL>',
  summary: 'print the completion script of a shell: bash, zsh or fish',
  choices: { SHELL: SHELLS },
  notes: `
  source <(enjambre completion bash)                                   in ~/.bashrc
  enjambre completion zsh > "\${fpath[1]}/_enjambre"                    once
  enjambre completion fish > ~/.config/fish/completions/enjambre.fish  once`,
  alone: true,
  handle: async (session, [said = '']) => {
    const shell = SHELLS.find((each) => each === said);
    if (!shell) throw new EnjambreError('invalid', 'USAGE', `SHELL must be one of ${SHELLS.join(', ')}`);
    (await import('./commands/complete.js')).completion(session, shell);
  },
};

const VERSION: ClientCommand = {
  usage: 'version',
  summary: 'print the version of this command, of Node and of the system',
  alone: true,
  handle: async (session) => {
    const { version } = await import('./commands/version.js');
    version(session);
  },
};

/** Explains REF at the end of the help. */
export const REF_NOTE = `
REF is an infohash or at least its first 8 digits, a magnet link, a .torrent file (- for
standard input), or a name; NAME@VERSION is an older version of it.`;

const HEALTH_NOTES = `
ADDR is HOST:PORT or unix:PATH. Without PORT it is 7070, a tracker, or the port of SERVICE. SERVICE is a part of the
server by its gRPC name; without it, the whole server.

  enjambre health 127.0.0.1                                  the tracker on this machine
  enjambre health 127.0.0.1:7072                             the agent, as other agents reach it
  enjambre health 127.0.0.1:7072 enjambre.peer.v1.PeerService`;

const HEALTH: ClientCommand = {
  usage: 'health <ADDR> [SERVICE]',
  kinds: { ADDR: 'address' },
  summary: 'check the tracker, messaging service or agent at ADDR: exits 0 if it is SERVING, else 1',
  notes: HEALTH_NOTES,
  flags: TLS_FLAGS,
  alone: true,
  handle: async (session, [address = '', service = '']) =>
    (await import('./commands/health.js')).health(session, address, service),
};

const FILES_NOTES = `
  enjambre files llama                    files with llama in their name
  enjambre files --sort size:desc         the largest first
  enjambre files --tracker tracker.internal   without an agent`;

const PEERS_NOTES = `
  enjambre peers model.bin                who has it, and how much of it
  enjambre peers --banned`;

const NETWORK: readonly ClientCommand[] = [
  {
    usage: 'files [QUERY]',
    summary: 'list shared files; QUERY is part of a name or the beginning of an infohash',
    flags: [
      trackerFlag,
      ...layoutFlags('name, size, version, age, publisher, seeders, leechers, infohash, files'),
    ],
    notes: FILES_NOTES,
    handle: async (session, [query = '']) => (await import('./commands/lookups.js')).files(session, query),
  },
  {
    usage: 'peers [REF]',
    kinds: { REF: 'shared-file' },
    summary: 'list connected peers, or the peers that have at least part of one file',
    flags: [
      trackerFlag,
      { flags: '--banned', description: 'list the peers banned by this agent, and why' },
      ...layoutFlags(
        'name, id, endpoint, seeding, leeching, labels, connected, version; with REF: has, received, sent; with --banned: peer, id, since, ends, reason',
      ),
    ],
    notes: PEERS_NOTES,
    handle: async (session, [ref], given) => {
      if (ref === '')
        throw new EnjambreError('invalid', 'BAD_REF', 'the ref is empty: omit it to list all peers');
      if (given.banned === true) return (await import('./commands/bans.js')).banned(session, ref ?? '');
      await (await import('./commands/lookups.js')).peers(session, ref ?? '');
    },
  },
  {
    usage: 'unban <PEER...>',
    summary: 'lift the ban on a peer; PEER is its name, or at least the first 8 digits of its id',
    kinds: { PEER: 'peer' },
    handle: async (session, peers) => (await import('./commands/bans.js')).unban(session, peers),
  },
];

const EVENTS_NOTES = `
  enjambre events --since 1h --type 'download.*'
  enjambre events --follow --json         one CloudEvent per line`;

const EVENTS: ClientCommand = {
  usage: 'events',
  summary: 'show past events of the network, or with --follow new ones',
  flags: [
    { flags: '-f, --follow', description: 'wait for new events and show them' },
    {
      flags: '--since <TIME>',
      description:
        'start with the events since TIME: 10m, 7d, or 2026-11-25T12:00 (default: all that are stored; with --follow, none)',
    },
    {
      flags: '--type <PATTERN>',
      description: "only events of this type, such as 'download.*' (may be repeated)",
      parse: (value: string, previous: readonly string[] | undefined) =>
        append(present('--type: a pattern is missing')(value), previous),
    },
    trackerFlag,
  ],
  notes: EVENTS_NOTES,
  handle: async (session, _, given) => {
    const { events } = await import('./commands/events.js');
    const types = Array.isArray(given.type) ? given.type.map(String) : [];
    await events(session, { follow: given.follow === true, since: text(given.since), types });
  },
};

const TOP: ClientCommand = {
  usage: 'top',
  summary: 'watch transfers, peers and the network on the whole screen; ? lists the keys',
  flags: [{ flags: '--once', description: 'print everything once, and exit; with --json for scripts' }],
  handle: async (session, _, given) =>
    (await import('./commands/top.js')).top(session, { once: given.once === true }),
};

/** All commands of the table, by the group of the help. */
const GROUPS = {
  sharing: [...SHARING, INSPECT],
  transfers: [...TRANSFERS, TOP],
  network: [...NETWORK, EVENTS, HEALTH],
  messages: MESSAGES,
  own: [CONFIG, CA, COMPLETION, VERSION],
} satisfies Readonly<Record<string, readonly ClientCommand[]>>;

/** Adds the commands that call an agent or a tracker. */
export function addClientCommands(program: Command, context: Context, makeOutput: MakeOutput): void {
  program.commandsGroup('Sharing:');
  addAll(GROUPS.sharing);
  program.commandsGroup("This agent's transfers:");
  addAll(GROUPS.transfers);
  program.commandsGroup('The network:');
  addAll(GROUPS.network);
  program.commandsGroup('Messages:');
  addAll(GROUPS.messages);
  addShell(program, context, makeOutput);
  program.commandsGroup('This command:');
  addAll(GROUPS.own);
  addComplete(program, context, makeOutput);

  function addAll(commands: readonly ClientCommand[]): void {
    for (const command of commands) add(program, command, context, makeOutput);
  }
}

function add(
  program: Command,
  { usage, summary, flags = [], notes, alone, handle }: ClientCommand,
  context: Context,
  makeOutput: MakeOutput,
): void {
  const command = addFlags(program.command(usage).description(summary), flags);
  if (/\bREF\b/.test(usage)) addNotes(command, REF_NOTE);
  if (notes) addNotes(command, notes);
  addOutputFlags(command.optionsGroup('Common options:'));
  if (!alone) addConnectionFlags(command);
  command.action(async () => {
    const given = givenTo(command);
    const output = makeOutput(outputModeOf(given));
    const session = alone ? { connection: tlsOf(given) } : await connectionOf(given, context);
    const secured = securedBy(session.connection, context);
    const its = given.verbose === true ? await callLogged(secured, output) : secured;
    const parts = { context: its, output, ...session };
    const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === 'string');
    await traced(command.name(), context.environment, () =>
      context.interruptible((signal) => handle({ ...parts, signal }, args, given)),
    );
  });
}

/** The hidden command that completion scripts call. */
function addComplete(program: Command, context: Context, makeOutput: MakeOutput): void {
  const command = program.command('__complete [WORDS...]', { hidden: true });
  command.action(async (words: readonly string[]) => {
    const output = makeOutput({ json: false });
    const line = { program, commands: Object.values(GROUPS).flat(), flags: GLOBAL_FLAGS };
    await addOptionsOf(program.commands.find((each) => words.includes(each.name())));
    const [{ complete }, { asTyped, givenIn }] = await Promise.all([
      import('./commands/complete.js'),
      import('./completion/place.js'),
    ]);
    const before = asTyped(words.slice(0, -1));
    // The agent of the line that is being typed.
    const found = await connectionOf(givenIn(program, before), context).catch(() => undefined);
    const { connection, config } = found ?? { connection: {} };
    const its = securedBy(connection, context);
    await context.interruptible((signal) => {
      const session = { context: its, output, connection, config, signal };
      return complete(session, { ...line, isReachable: found !== undefined }, [
        ...before,
        words.at(-1) ?? '',
      ]);
    });
  });
}

async function callLogged(context: Context, output: Output): Promise<Context> {
  return (await import('./call-log.js')).withCallLog(context, output);
}

function addShell(program: Command, context: Context, makeOutput: MakeOutput): void {
  const command = program.command('shell').description('open an interactive menu');
  addConnectionFlags(addOutputFlags(command.optionsGroup('Common options:')));
  command.action(async () => {
    const given = givenTo(command);
    const { shell } = await import('./commands/shell.js');
    const output = makeOutput(outputModeOf(given));
    await shell(context, { context, output, ...(await connectionOf(given, context)) });
  });
}
