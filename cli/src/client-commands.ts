import type { Command } from 'commander';
import { EnjambreError } from '@enjambre/core/error';
import type { ClientCommand, Flag, Given } from './client-command.js';
import type { Context, Session } from './context.js';
import { traced } from './traced.js';
import { downloadFlag, limitsGiven, priorityFlag, uploadFlag } from './limit-flags.js';
import { present, text, wholeNumber } from './option-values.js';
import type { Output } from './output.js';
import { append } from './service-options.js';
import { SHARING } from './sharing-commands.js';

export type MakeOutput = (options: { readonly json: boolean }) => Output;

/** As many messages as the messaging service gives at a time. */
const MAX_HISTORY = 1000;

const trackerFlag: Flag = {
  flags: '--tracker <HOST:PORT>',
  description: 'ask this tracker, and no agent (ENJAMBRE_TRACKER)',
};

const INSPECT: ClientCommand = {
  usage: 'inspect <FILE>',
  summary: 'what a .torrent holds, - for standard input; needs no agent',
  flags: [{ flags: '--all', description: 'the whole tree, however long' }],
  alone: true,
  handle: async (session, [file = ''], given) =>
    (await import('./commands/inspect.js')).inspect(session, present('FILE: a path is missing')(file), {
      all: given.all === true,
    }),
};

const HEALTH: ClientCommand = {
  usage: 'health <ADDR> [SERVICE]',
  summary: 'whether the tracker, messaging service or agent at ADDR is well: SERVING',
  alone: true,
  handle: async (session, [address = '', service = '']) =>
    (await import('./commands/health.js')).health(session, address, service),
};

const LIMIT_NOTES = `
Without a flag it shows what holds. Without REF it is about the whole agent: what is changed
so holds until the agent ends. What is changed of a transfer stays with it.

  enjambre limit                                    what holds now
  enjambre limit --max-upload 10MB                  all transfers together send no more
  enjambre limit model.bin --max-download 500kB     one of them receives no more
  enjambre limit model.bin --max-download none      ... and has no limit of its own again
  enjambre limit model.bin --priority high          it gets more of what all share`;

const TRANSFERS: readonly ClientCommand[] = [
  {
    usage: 'ls',
    summary: 'what this agent shares and downloads',
    handle: async (session) => (await import('./commands/transfers.js')).list(session),
  },
  {
    usage: 'status <REF>',
    summary: 'all about one of them: progress, rates, peers',
    handle: async (session, [ref = '']) => (await import('./commands/transfers.js')).status(session, ref),
  },
  {
    usage: 'explain <REF>',
    summary: 'where the time of a download went: sources, stalls and their causes',
    handle: async (session, [ref = '']) => (await import('./commands/explain.js')).explain(session, ref),
  },
  {
    usage: 'pause <REF>',
    summary: 'stop it for now; what is there stays',
    handle: async (session, [ref = '']) => (await import('./commands/control.js')).pause(session, ref),
  },
  {
    usage: 'resume <REF>',
    summary: 'resume one that is paused or failed; exits 1 if it fails again',
    handle: async (session, [ref = '']) => (await import('./commands/control.js')).resume(session, ref),
  },
  {
    usage: 'verify <REF>',
    summary: 'read it all from disk again, and fetch again what is damaged',
    flags: [{ flags: '--wait', description: 'stay until all of it is good, and say how much was' }],
    handle: async (session, [ref = ''], given) =>
      (await import('./commands/verify.js')).verify(session, ref, { wait: given.wait === true }),
  },
  {
    usage: 'limit [REF]',
    summary: 'show or change how fast this agent, or the transfer REF, may send and receive',
    flags: [uploadFlag, downloadFlag, priorityFlag],
    notes: LIMIT_NOTES,
    handle: async (session, [ref], given) =>
      (await import('./commands/limit.js')).limit(session, ref, limitsGiven(given)),
  },
  {
    usage: 'rm <REF>',
    summary: 'forget it; what is complete stays, a part of a download goes',
    flags: [
      { flags: '--data', description: 'delete what was downloaded, too, if it is as it was then' },
      {
        flags: '--force',
        description: 'with --data: also its files that were there before, or changed since',
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
    summary: 'what is shared; QUERY is part of a name or the beginning of an infohash',
    flags: [trackerFlag],
    handle: async (session, [query = '']) => (await import('./commands/lookups.js')).files(session, query),
  },
  {
    usage: 'peers [REF]',
    summary: 'who is connected, or who has a part of one file',
    flags: [trackerFlag, { flags: '--banned', description: 'whom this agent does not deal with, and why' }],
    handle: async (session, [ref], given) => {
      if (ref === '')
        throw new EnjambreError('invalid', 'BAD_REF', 'the ref is empty: leave it out for all peers');
      if (given.banned === true) return (await import('./commands/bans.js')).banned(session, ref ?? '');
      await (await import('./commands/lookups.js')).peers(session, ref ?? '');
    },
  },
  {
    usage: 'unban <PEER>',
    summary: 'deal with a banned peer again; PEER is its name, or 8 or more digits of its id',
    handle: async (session, [peer = '']) => (await import('./commands/bans.js')).unban(session, peer),
  },
];

const EVENTS: ClientCommand = {
  usage: 'events',
  summary: 'what has happened in the network, or with --follow what happens',
  flags: [
    { flags: '--follow', description: 'stay, and show what happens' },
    { flags: '--since <TIME>', description: 'first what has happened since: 10m, 7d, or 2026-11-25T12:00' },
    {
      flags: '--type <PATTERN>',
      description: "only these, such as 'download.*' (may be repeated)",
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
      { flags: '--room <ROOM>', description: 'to all members of a room' },
      { flags: '--all', description: 'to everyone' },
      { flags: '--id <ID>', description: 'id of the message; the same again for a second attempt' },
    ],
    handle: async (session, words, given) => {
      const { send } = await import('./commands/messages.js');
      await send(session, { words, room: text(given.room), all: given.all === true, id: text(given.id) });
    },
  },
  {
    usage: 'inbox',
    summary: 'messages that nobody has read yet',
    flags: [
      { flags: '--follow', description: 'stay, and show each as it comes' },
      { flags: '--all', description: 'those that were read, too' },
    ],
    handle: async (session, _, given) => {
      const { inbox } = await import('./commands/messages.js');
      await inbox(session, { follow: given.follow === true, all: given.all === true });
    },
  },
  {
    usage: 'history [PEER]',
    summary: 'what was said, by this agent and to it, as far as the messaging service keeps it',
    flags: [
      { flags: '--room <ROOM>', description: 'in this room' },
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
    summary: 'the rooms; `rooms join ROOM`, `rooms leave ROOM`',
    handle: async (session, [action, room]) => {
      const commands = await import('./commands/rooms.js');
      if (action === undefined) return commands.rooms(session);
      if (room !== undefined && action === 'join') return commands.joinRoom(session, room);
      if (room !== undefined && action === 'leave') return commands.leaveRoom(session, room);
      throw new EnjambreError('invalid', 'USAGE', 'write `rooms`, `rooms join ROOM` or `rooms leave ROOM`');
    },
  },
];

/** Adds the commands that talk with an agent or a tracker. */
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
  const command = withConnection(program.command('shell').description('an interactive menu of all this'));
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
    .option('--json', 'one JSON object a line on standard output, nothing else');
}

function withConnection(command: Command): Command {
  return withJson(command)
    .option('--agent <ADDR>', 'which agent: unix:PATH or HOST:PORT (ENJAMBRE_AGENT)')
    .option('--data-dir <DIR>', "the agent's data folder (ENJAMBRE_DATA_DIR)")
    .option('--token <TOKEN>', 'token of an agent reached over TCP (ENJAMBRE_TOKEN)');
}

export function connectionOf(given: Given): Session['connection'] {
  return {
    agent: text(given.agent),
    token: text(given.token),
    dataDir: text(given.dataDir),
    tracker: text(given.tracker),
  };
}
