import { networkOf } from '@enjambre/core/network-of';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import type { CallContext, HandlerFactory } from '@enjambre/rpc/handlers';
import type { MessagingServiceServer } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { MessageExchange } from '../app/message-exchange.js';
import { fromMessage, fromRoom, toTargetRequest } from './convert.js';
import { decodeHistoryToken, decodeRoomToken, encodePageToken, pageLimit } from './page-token.js';
import type { Caller } from '../domain/message.js';
import { permittedTarget } from './send-right.js';
import { badToken, type SessionRegistry } from './session-registry.js';

type UnaryMethods = 'send' | 'listMessages' | 'joinRoom' | 'leaveRoom' | 'listRooms';

/** Handlers of the unary calls; each call is made by the peer of its token. */
export function unaryHandlers(
  handlers: HandlerFactory,
  sessions: SessionRegistry,
  exchange: MessageExchange,
): Pick<MessagingServiceServer, UnaryMethods> {
  /** Throws `unauthenticated` BAD_TOKEN, `exhausted` TOO_FAST, `denied` WRONG_CERTIFICATE. */
  const authenticate = ({ metadata, peer, caller: certified }: CallContext): Caller => {
    const caller = sessions.find(metadata);
    if (!caller) {
      exchange.refused(networkOf(peer));
      throw badToken();
    }
    checkHolder(certified?.identity, caller);
    return caller;
  };
  return {
    send: handlers.unary(async ({ id, target, text }, context) => {
      const sender = authenticate(context);
      const permitted = permittedTarget(context.caller?.identity, toTargetRequest(target));
      const kept = await exchange.send(sender, { id, target: permitted, text });
      const { message, duplicate, receivers, skipped } = kept;
      const counts = { receiverCount: receivers.length, skippedCount: skipped };
      const result = { sentAt: new Date(message.sentAt), duplicate, ...counts };
      if (message.target.kind !== 'peer') {
        return { ...result, receiverId: '', receiverName: '', namesakeCount: 0 };
      }
      const { id: receiverId, name: receiverName } = message.target.peer;
      return { ...result, receiverId, receiverName, namesakeCount: exchange.namesakesOf(receiverId) };
    }),
    listMessages: handlers.unary(async ({ target, pageSize, pageToken }, context) => {
      const peer = authenticate(context);
      const from = decodeHistoryToken(pageToken);
      const { messages, before } = await exchange.history(peer, {
        limit: pageLimit(pageSize),
        ...(from !== undefined && { before: from }),
        ...(target && { conversation: toTargetRequest(target) }),
      });
      const nextPageToken = before === undefined ? '' : encodePageToken(before);
      return { messages: messages.map(fromMessage), nextPageToken };
    }),
    joinRoom: handlers.unary(async ({ room }, context) => {
      const peer = authenticate(context);
      permittedTarget(context.caller?.identity, { kind: 'room', room });
      return { room: fromRoom(await exchange.join(peer, room)) };
    }),
    leaveRoom: handlers.unary(async ({ room }, context) => {
      await exchange.leave(authenticate(context), room);
      return {};
    }),
    listRooms: handlers.unary(async ({ pageSize, pageToken }, context) => {
      const peer = authenticate(context);
      const { rooms, more } = await exchange.rooms(peer, decodeRoomToken(pageToken), pageLimit(pageSize));
      const last = rooms.at(-1);
      return {
        rooms: rooms.map(fromRoom),
        nextPageToken: more && last ? encodePageToken(last.name) : '',
      };
    }),
  };
}
