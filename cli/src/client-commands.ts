import type { Command } from 'commander';
import { EnjambreError } from '@enjambre/core/error';
import type { ClientCommand, Flag, Given } from './client-command.js';
import type { Context, Session } from './context.js';
import { traced } from './traced.js';
import { downloadFlag, priorityFlag, uploadFlag } from './limit-flags.js';
import { present, text, wholeNumber } from './option-values.js';
import type { Output } from './output.js';
import { append } from './service-options.js';
import { SHARING } from './sharing-commands.js';

export type MakeOutput = (options: { readonly json: boolean }) => Output;

/** Largest page of the messaging service. */
const MAX_HISTORY = 1000;

const trackerFlag: Flag = {
  flags: '--tracker <HOST:PORT>',
  description: 'query this tracker instead of the agent (ENJAMBRE_TRACKER)',
};

const INSPECT: ClientCommand = {
  usage: 'inspect <FILE>',
  summary: 'show the contents of a .torrent file (- for standard input); needs no agent',
  flags: [{ flags: '--all', description: 'show the whole file tree' }],
  alone: true,
  handle: async (session, [file = ''], given) =>
    (await import('./commands/inspect.js')).inspect(session, present('FILE: a path is missing')(file), {
      all: given.all === true,
    }),
};

const HEALTH: ClientCommand = {
  usage: 'health <ADDR> [SERVICE]',
  summary: 'check the tracker, messaging service or agent at ADDR: exits 0 if it is SERVING',
  alone: true,
  handle: async (session, [address = '', service = '']) =>
    (await import('./commands/health.js')).health(session, address, service),
};

const LIMIT_NOTES = `
Without flags, shows the current limits. Without REF, applies to the whole agent, until it
stops. The limits of a transfer are stored with the transfer.

  enjambre limit                                    show the current limits
  enjambre limit --max-upload 10MB                  limit the upload of all transfers together
  enjambre limit model.bin --max-download 500kB     limit the download of one transfer
  enjambre limit model.bin --max-download none      remove that limit
  enjambre limit model.bin --priority high          give it a larger part of a shared limit`;

const TRANSFERS: readonly ClientCommand[] = [
  {
    usage: 'ls',
    summary: 'list the transfers of this agent',
    handle: async (session) => (await import('./commands/transfers.js')).list(session),
  },
  {
    usage: 'status <REF>',
    summary: 'show one transfer in detail: progress, rates, peers',
    handle: async (session, [ref = '']) => (await import('./commands/transfers.js')).status(session, ref),
  },
  {
    usage: 'explain <REF>',
    summary: 'show how a download spent its time: sources, stalls and their causes',
    handle: async (session, [ref = '']) => (await import('./commands/explain.js')).explain(session, ref),
  },
  {
    usage: 'pause <REF>',
    summary: 'pause a transfer; its data is kept',
    handle: async (session, [ref = '']) => (await import('./commands/control.js')).pause(session, ref),
  },
  {
    usage: 'resume <REF>',
    summary: 'resume a paused or failed transfer; exits 1 if it fails again',
    handle: async (session, [ref = '']) => (await import('./commands/control.js')).resume(session, ref),
  },
  {
    usage: 'verify <REF>',
    summary: 'check all data on disk, and download damaged pieces again',
    flags: [{ flags: '--wait', description: 'wait until the data is complete, and report what was intact' }],
    handle: async (session, [ref = ''], given) =>
      (await import('./commands/verify.js')).verify(session, ref, { wait: given.wait === true }),
  },
  {
    usage: 'limit [REF]',
    summary: 'show or change the rate limits of this agent or of the transfer REF',
    flags: [uploadFlag, downloadFlag, priorityFlag],
    notes: LIMIT_NOTES,
    handle: async (session, [ref], given) => {
      const { limitsGiven } = await import('./limit-values.js');
      await (await import('./commands/limit.js')).limit(session, ref, limitsGiven(given));
    },
  },
  {
    usage: 'rm <REF>',
    summary: 'remove a transfer; complete files are kept, a partial download is deleted',
    flags: [
      { flags: '--data', description: 'also delete the downloaded files that have not changed' },
      {
        flags: '--force',
        description: 'with --data: also delete files that changed, or existed before the download',
      },
    ],
    handle: async (session, [ref = ''], given) =>
      (await import('./commands/control.js')).remove(session, ref, {
        data: given.data === true,
        force: given.force === true,
      }),
  },
];

const NETWORK: readonly ClientCommand[] = [
  {
    usage: 'files [QUERY]',
    summary: 'list shared files; QUERY is part of a name or the beginning of an infohash',
    flags: [trackerFlag],
    handle: async (session, [query = '']) => (await import('./commands/lookups.js')).files(session, query),
  },
  {
    usage: 'peers [REF]',
    summary: 'list connected peers, or the peers that have at least part of one file',
    flags: [trackerFlag, { flags: '--banned', description: 'list the peers banned by this agent, and why' }],
    handle: async (session, [ref], given) => {
      if (ref === '')
        throw new EnjambreError('invalid', 'BAD_REF', 'the ref is empty: omit it to list all peers');
      if (given.banned === true) return (await import('./commands/bans.js')).banned(session, ref ?? '');
      await (await import('./commands/lookups.js')).peers(session, ref ?? '');
    },
  },
  {
    usage: 'unban <PEER>',
    summary: 'lift the ban on a peer; PEER is its name, or at least the first 8 digits of its id',
    handle: async (session, [peer = '']) => (await import('./commands/bans.js')).unban(session, peer),
  },
];

const EVENTS: ClientCommand = {
  usage: 'events',
  summary: 'show past events of the network, or with --follow new ones',
  flags: [
    { flags: '--follow', description: 'wait for new events and show them' },
    {
      flags: '--since <TIME>',
      description: 'start with the events since TIME: 10m, 7d, or 2026-11-25T12:00',
    },
    {
      flags: '--type <PATTERN>',
      description: "only events of this type, such as 'download.*' (may be repeated)",
      parse: (value: string, previous: readonly string[] | undefined) =>
        append(present('--type: a pattern is missing')(value), previous),
    },
    trackerFlag,
  ],
  handle: async (session, _, given) => {
    const { events } = await import('./commands/events.js');
    const types = Array.isArray(given.type) ? given.type.map(String) : [];
    await events(session, { follow: given.follow === true, since: text(given.since), types });
  },
};

const MESSAGES: readonly ClientCommand[] = [
  {
    usage: 'send [WORDS...]',
    summary: 'send a message: `send PEER TEXT`, `send --room ROOM TEXT`, `send --all TEXT`',
    flags: [
      { flags: '--room <ROOM>', description: 'send to all members of a room' },
      { flags: '--all', description: 'send to all peers' },
      { flags: '--id <ID>', description: 'id of the message; use the same id to retry' },
    ],
    handle: async (session, words, given) => {
      const { send } = await import('./commands/messages.js');
      await send(session, { words, room: text(given.room), all: given.all === true, id: text(given.id) });
    },
  },
  {
    usage: 'inbox',
    summary: 'show unread messages',
    flags: [
      { flags: '--follow', description: 'wait for new messages and show them' },
      { flags: '--all', description: 'include messages that were read' },
    ],
    handle: async (session, _, given) => {
      const { inbox } = await import('./commands/messages.js');
      await inbox(session, { follow: given.follow === true, all: given.all === true });
    },
  },
  {
    usage: 'history [PEER]',
    summary: 'show the messages sent and received by this agent that the messaging service still keeps',
    flags: [
      { flags: '--room <ROOM>', description: 'only messages in this room' },
      {
        flags: '--limit <N>',
        description: 'the last N messages, at most 1000 (default 100)',
        parse: wholeNumber(MAX_HISTORY),
      },
    ],
    handle: async (session, [peer], given) => {
      const { history } = await import('./commands/messages.js');
      const limit = typeof given.limit === 'number' ? given.limit : 100;
      await history(session, { peer, room: text(given.room), limit });
    },
  },
  {
    usage: 'rooms [ACTION] [ROOM]',
    summary: 'list rooms; `rooms join ROOM` and `rooms leave ROOM` change membership',
    handle: async (session, [action, room]) => {
      const commands = await import('./commands/rooms.js');
      if (action === undefined) return commands.rooms(session);
      if (room !== undefined && action === 'join') return commands.joinRoom(session, room);
      if (room !== undefined && action === 'leave') return commands.leaveRoom(session, room);
      throw new EnjambreError('invalid', 'USAGE', 'write `rooms`, `rooms join ROOM` or `rooms leave ROOM`');
    },
  },
];

/** Adds the commands that call an agent or a tracker. */
export function addClientCommands(program: Command, context: Context, makeOutput: MakeOutput): void {
  program.commandsGroup('Sharing:');
  addAll([...SHARING, INSPECT]);
  program.commandsGroup("This agent's transfers:");
  addAll(TRANSFERS);
  program.commandsGroup('The network:');
  addAll([...NETWORK, EVENTS, HEALTH]);
  program.commandsGroup('Messages:');
  addAll(MESSAGES);
  addShell(program, context, makeOutput);

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
  const command = program.command(usage).description(summary);
  if (notes) command.addHelpText('after', notes);
  for (const { flags: names, description, parse } of flags) {
    if (parse) command.option(names, description, parse as (value: string, previous: unknown) => unknown);
    else command.option(names, description);
  }
  const complete = alone ? withJson(command) : withConnection(command);
  complete.action(async () => {
    const given: Given = { ...program.opts(), ...command.opts() };
    const parts = {
      context,
      output: makeOutput({ json: given.json === true }),
      connection: connectionOf(given),
    };
    const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === 'string');
    await traced(command.name(), context.environment, () =>
      context.interruptible((signal) => handle({ ...parts, signal }, args, given)),
    );
  });
}

function addShell(program: Command, context: Context, makeOutput: MakeOutput): void {
  const command = withConnection(program.command('shell').description('open an interactive menu'));
  command.action(async () => {
    const given: Given = { ...program.opts(), ...command.opts() };
    const { shell } = await import('./commands/shell.js');
    const output = makeOutput({ json: given.json === true });
    await shell(context, { context, output, connection: connectionOf(given) });
  });
}

function withJson(command: Command): Command {
  return command
    .optionsGroup('Common options:')
    .option('--json', 'print one JSON object per line, and nothing else, on standard output');
}

function withConnection(command: Command): Command {
  return withJson(command)
    .option('--agent <ADDR>', 'address of the agent: unix:PATH or HOST:PORT (ENJAMBRE_AGENT)')
    .option('--data-dir <DIR>', 'data folder of the agent (ENJAMBRE_DATA_DIR)')
    .option('--token <TOKEN>', 'control token of an agent reached over TCP (ENJAMBRE_TOKEN)')
    .option('--token-file <FILE>', 'file that holds the token (ENJAMBRE_TOKEN_FILE)');
}

export function connectionOf(given: Given): Session['connection'] {
  return {
    agent: text(given.agent),
    token: text(given.token),
    tokenFile: text(given.tokenFile),
    dataDir: text(given.dataDir),
    tracker: text(given.tracker),
  };
}
