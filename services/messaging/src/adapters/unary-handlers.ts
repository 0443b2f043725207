import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type { MessagingServiceServer } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { MessageExchange } from '../app/message-exchange.js';
import { fromMessage, toTargetRequest } from './convert.js';
import { decodeHistoryToken, decodeRoomToken, encodePageToken, pageLimit } from './page-token.js';
import type { SessionRegistry } from './session-registry.js';

type UnaryMethods = 'send' | 'listMessages' | 'joinRoom' | 'leaveRoom' | 'listRooms';

/** Handlers of the unary calls; each call is made by the peer of its token. */
export function unaryHandlers(
  handlers: HandlerFactory,
  sessions: SessionRegistry,
  exchange: MessageExchange,
): Pick<MessagingServiceServer, UnaryMethods> {
  return {
    send: handlers.unary(async ({ id, target, text }, { metadata }) => {
      const sender = sessions.authenticate(metadata);
      const kept = await exchange.send(sender, { id, target: toTargetRequest(target), text });
      const { message, duplicate, receivers, skipped } = kept;
      const result = { sentAt: new Date(message.sentAt), duplicate, receivers: receivers.length, skipped };
      if (message.target.kind !== 'peer') return { ...result, peerId: '', targetName: '', namesakes: 0 };
      const { id: peerId, name: targetName } = message.target.peer;
      return { ...result, peerId, targetName, namesakes: exchange.namesakesOf(peerId) };
    }),
    listMessages: handlers.unary(async ({ target, pageSize, pageToken }, { metadata }) => {
      const peer = sessions.authenticate(metadata);
      const from = decodeHistoryToken(pageToken);
      const { messages, before } = await exchange.history(peer, {
        limit: pageLimit(pageSize),
        ...(from !== undefined && { before: from }),
        ...(target && { conversation: toTargetRequest(target) }),
      });
      const nextPageToken = before === undefined ? '' : encodePageToken(before);
      return { messages: messages.map(fromMessage), nextPageToken };
    }),
    joinRoom: handlers.unary(async ({ room }, { metadata }) => {
      const { name, members } = await exchange.join(sessions.authenticate(metadata), room);
      return { room: { name, members: [...members] } };
    }),
    leaveRoom: handlers.unary(async ({ room }, { metadata }) => {
      await exchange.leave(sessions.authenticate(metadata), room);
      return {};
    }),
    listRooms: handlers.unary(async ({ pageSize, pageToken }, { metadata }) => {
      const peer = sessions.authenticate(metadata);
      const { rooms, more } = await exchange.rooms(peer, decodeRoomToken(pageToken), pageLimit(pageSize));
      const last = rooms.at(-1);
      return {
        rooms: rooms.map(({ name, members }) => ({ name, members: [...members] })),
        nextPageToken: more && last ? encodePageToken(last.name) : '',
      };
    }),
  };
}
