import { EnjambreError } from '@enjambre/core/error';
import type { ClientCommand } from './client-command.js';
import { layoutFlags } from './global-flags.js';
import { text, wholeNumber } from './option-values.js';

/** Largest page of the messaging service. */
const MAX_HISTORY = 1000;

const MESSAGE_COLUMNS = 'sent, from, to, message, id';

const SEND_NOTES = `
PEER is the name of a peer, or at least the first 8 digits of its id.

  enjambre send alice "the weights are ready"
  enjambre send --room ops "restart at noon"
  git log -1 | enjambre send --all -            the text from standard input`;

const HISTORY_NOTES = `
  enjambre history alice --limit 20   the last 20 messages to or from alice
  enjambre history --room ops`;

/** Commands for messages and rooms. */
export const MESSAGES: readonly ClientCommand[] = [
  {
    usage: 'send [WORDS...]',
    kinds: { WORDS: 'peer' },
    summary:
      'send a message: `send PEER TEXT`, `send --room ROOM TEXT`, `send --all TEXT`; TEXT is - for standard input',
    flags: [
      { flags: '--room <ROOM>', description: 'send to all members of a room', kind: 'room' },
      { flags: '--all', description: 'send to all peers' },
      {
        flags: '--id <ID>',
        description: 'id of the message (default: a random one); a retry with the same id is sent once',
      },
    ],
    notes: SEND_NOTES,
    handle: async (session, words, given) => {
      const { send } = await import('./commands/messages.js');
      await send(session, { words, room: text(given.room), all: given.all === true, id: text(given.id) });
    },
  },
  {
    usage: 'inbox',
    summary: 'show unread messages, and mark them as read',
    flags: [
      { flags: '-f, --follow', description: 'wait for new messages and show them' },
      { flags: '--all', description: 'include messages that were read' },
      ...layoutFlags(MESSAGE_COLUMNS),
    ],
    handle: async (session, _, given) => {
      const { inbox } = await import('./commands/messages.js');
      await inbox(session, { follow: given.follow === true, all: given.all === true });
    },
  },
  {
    usage: 'history [PEER]',
    kinds: { PEER: 'peer' },
    summary: 'show the messages sent and received by this agent that the messaging service still keeps',
    flags: [
      { flags: '--room <ROOM>', description: 'only messages in this room', kind: 'room' },
      {
        flags: '-n, --limit <N>',
        description: 'the last N messages, at most 1000 (default 100)',
        parse: wholeNumber(MAX_HISTORY),
      },
      ...layoutFlags(MESSAGE_COLUMNS),
    ],
    notes: HISTORY_NOTES,
    handle: async (session, [peer], given) => {
      const { history } = await import('./commands/messages.js');
      const limit = typeof given.limit === 'number' ? given.limit : 100;
      await history(session, { peer, room: text(given.room), limit });
    },
  },
  {
    usage: 'rooms [ACTION] [ROOM]',
    kinds: { ROOM: 'room' },
    choices: { ACTION: ['join', 'leave'] },
    flags: layoutFlags('room, members'),
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
