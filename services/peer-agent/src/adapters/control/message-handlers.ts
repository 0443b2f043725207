import { randomUUID } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { CallContext, HandlerFactory } from '@enjambre/rpc/handlers';
import type { ServedService } from '@enjambre/rpc/server';
import {
  AgentMessagingServiceService,
  type AgentMessagingServiceServer,
  type InboxMessage as WireInboxMessage,
  type ListInboxRequest,
  type ListInboxResponse,
  type SendMessageRequest,
  type SendMessageResponse,
  type WatchInboxResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import type { Room as WireRoom } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Room } from '../../app/ports/messaging.js';
import type { Messages } from '../../app/messages/messages.js';
import type { InboxMessage } from '../../domain/inbox.js';
import { messageToWire, targetFromWire } from '../messaging/convert.js';
import { ChangeSignal } from './signals.js';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
/** Maximum characters of the texts of one page: a response must fit the 4 MiB that clients accept by default. */
const MAX_PAGE_CHARACTERS = 512 << 10;
/** Interval at which the connection is checked while there is no change. */
const WATCH_MS = 60_000;

/** The messaging part of the control API. */
export function messagingService(messages: Messages, handlers: HandlerFactory): ServedService {
  const implementation: AgentMessagingServiceServer = {
    sendMessage: handlers.unary((request) => send(messages, request)),
    listInbox: handlers.unary((request) => listInbox(messages, request)),
    watchInbox: handlers.serverStream((_, context) => watchInbox(messages, context)),
    markRead: handlers.unary(async ({ numbers }) => {
      checkNumbers(numbers);
      await messages.markRead(numbers.map(Number));
      return {};
    }),
    listHistory: handlers.unary(async ({ target, pageSize, pageToken }) => {
      const page = { size: pageSize, token: pageToken };
      const found = await messages.history(targetFromWire(target), page);
      return { messages: found.messages.map(messageToWire), nextPageToken: found.nextToken };
    }),
    joinRoom: handlers.unary(async ({ room }) => ({ room: wireRoom(await messages.joinRoom(room)) })),
    leaveRoom: handlers.unary(async ({ room }) => {
      await messages.leaveRoom(room);
      return {};
    }),
    listRooms: handlers.unary(async ({ pageSize, pageToken }) => {
      const { rooms, nextToken } = await messages.rooms({ size: pageSize, token: pageToken });
      return { rooms: rooms.map(wireRoom), nextPageToken: nextToken };
    }),
  };
  const name = 'enjambre.agent.v1.AgentMessagingService';
  return { name, definition: AgentMessagingServiceService, implementation };
}

async function send(
  messages: Messages,
  { id, target, text }: SendMessageRequest,
): Promise<SendMessageResponse> {
  const to = targetFromWire(target);
  if (!to) {
    throw new EnjambreError('invalid', 'BAD_TARGET', 'no recipient given: set a peer, a room or everyone');
  }
  const its = id || randomUUID();
  const { sentAtMs, duplicate, receiver, ...counts } = await messages.send({ id: its, target: to, text });
  const { receivers: receiverCount, skipped: skippedCount, namesakes: namesakeCount } = counts;
  const sentAt = new Date(sentAtMs);
  return { id: its, sentAt, duplicate, receiverCount, skippedCount, namesakeCount, receiver };
}

async function listInbox(messages: Messages, request: ListInboxRequest): Promise<ListInboxResponse> {
  const { includeRead, markRead, pageSize, pageToken } = request;
  const limit = Math.min(MAX_PAGE, pageSize > 0 ? pageSize : DEFAULT_PAGE);
  const after = numberOf(pageToken);
  // One more than fits shows whether there is another page.
  const found = messages.list({ after, unreadOnly: !includeRead, limit: limit + 1 });
  const page = fitting(found.slice(0, limit));
  if (markRead) await messages.markRead(page.filter(({ read }) => !read).map(({ number }) => number));
  const last = page.at(-1);
  return {
    messages: page.map(toWire),
    nextPageToken: last && page.length < found.length ? String(last.number) : '',
  };
}

async function* watchInbox(messages: Messages, { signal }: CallContext): AsyncGenerator<WatchInboxResponse> {
  const changes = new ChangeSignal();
  const end = messages.watch(() => {
    changes.notify();
  });
  try {
    // Messages read by another caller meanwhile were unread when this one arrived, or are news to it.
    const unread = messages.list({ after: 0, unreadOnly: true, limit: Infinity });
    let after = messages.last;
    for (const message of unread) yield { message: toWire(message) };
    while (!signal.aborted) {
      const [next] = messages.list({ after, unreadOnly: false, limit: 1 });
      if (next) {
        yield { message: toWire(next) };
        after = next.number;
      } else await changes.next(WATCH_MS, signal);
    }
  } finally {
    end();
  }
}

/** As many messages as fit one response; at least one. */
function fitting(found: readonly InboxMessage[]): readonly InboxMessage[] {
  let characters = 0;
  const end = found.findIndex(({ message }, index) => {
    characters += message.text.length;
    return index > 0 && characters > MAX_PAGE_CHARACTERS;
  });
  return end === -1 ? found : found.slice(0, end);
}

function toWire({ number, message, receivedAtMs, read }: InboxMessage): WireInboxMessage {
  return {
    message: messageToWire(message),
    receivedAt: new Date(receivedAtMs),
    read,
    number: BigInt(number),
  };
}

function checkNumbers(numbers: readonly bigint[]): void {
  if (numbers.length <= MAX_PAGE) return;
  const message = `too many numbers (${numbers.length}): send at most ${MAX_PAGE}`;
  throw new EnjambreError('invalid', 'TOO_MANY_NUMBERS', message);
}

function wireRoom({ name, members }: Room): WireRoom {
  return {
    name,
    memberNames: members.map((member) => member.name),
    members: members.map((member) => ({ ...member })),
  };
}

function numberOf(pageToken: string): number {
  if (pageToken === '') return 0;
  if (/^\d{1,15}$/.test(pageToken)) return Number(pageToken);
  const message = `"${pageToken.slice(0, 40)}" is not a valid page token: leave it empty for the first page`;
  throw new EnjambreError('invalid', 'BAD_PAGE_TOKEN', message);
}
