import { parsePeerId } from '@enjambre/core/ids';
import type {
  Delivery as WireDelivery,
  Message as WireMessage,
  Room as WireRoom,
  SendResponse,
  Target as WireTarget,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Delivery, Receipt, Room } from '../../app/ports/messaging.js';
import type { ChatMessage, MessageTarget } from '../../domain/inbox.js';

/** Maximum text length accepted; our messaging service never sends more. */
const MAX_TEXT_BYTES = 64 << 10;
const MAX_ID_CHARS = 64;
/** A name of 64 characters with eight digits of an id. */
const MAX_SHOWN_NAME_CHARS = 64 + ' (1a2b3c4d)'.length;

export function targetToWire(target: MessageTarget): WireTarget {
  switch (target.kind) {
    case 'peer':
      return { target: { $case: 'peer', value: target.peer } };
    case 'room':
      return { target: { $case: 'room', value: target.room } };
    case 'everyone':
      return { target: { $case: 'everyone', value: true } };
  }
}

/** Undefined if it has no target that this version knows. */
export function targetFromWire(wire: WireTarget | undefined): MessageTarget | undefined {
  switch (wire?.target?.$case) {
    case 'peer':
      return { kind: 'peer', peer: wire.target.value };
    case 'room':
      return { kind: 'room', room: wire.target.value };
    case 'everyone':
      return { kind: 'everyone' };
    case undefined:
      return undefined;
  }
}

export function messageToWire(message: ChatMessage): WireMessage {
  return {
    id: message.id,
    senderId: message.senderId,
    senderName: message.senderName,
    target: targetToWire(message.target),
    targetName: message.targetName,
    text: message.text,
    sentAt: new Date(message.sentAtMs),
  };
}

/** Throws if the message is invalid. */
export function messageFromWire(wire: WireMessage | undefined): ChatMessage {
  const target = targetFromWire(wire?.target);
  if (!wire || !target) throw new Error('a message without a target');
  if (wire.id === '' || wire.id.length > MAX_ID_CHARS) throw new Error('a message with an invalid id');
  if (Buffer.byteLength(wire.text) > MAX_TEXT_BYTES) throw new Error('a message that is too large');
  return {
    id: wire.id,
    senderId: parsePeerId(wire.senderId),
    senderName: wire.senderName.slice(0, MAX_SHOWN_NAME_CHARS),
    target,
    targetName: wire.targetName.slice(0, MAX_SHOWN_NAME_CHARS),
    text: wire.text,
    sentAtMs: wire.sentAt?.getTime() ?? 0,
  };
}

/** Throws if the message is invalid. */
export function deliveryFromWire({ deliveryId, message }: WireDelivery): Delivery {
  return { deliveryId, message: messageFromWire(message) };
}

export function receiptFromWire(wire: SendResponse): Receipt {
  const { sentAt, duplicate, receiverCount, skippedCount, receiverId, receiverName, namesakeCount } = wire;
  const isPeer = /^[0-9a-f]{64}$/.test(receiverId);
  return {
    sentAtMs: sentAt?.getTime() ?? 0,
    duplicate,
    receivers: receiverCount,
    skipped: skippedCount,
    receiver: isPeer ? { id: parsePeerId(receiverId), name: receiverName } : undefined,
    namesakes: namesakeCount,
  };
}

export function roomFromWire(wire: WireRoom | undefined): Room {
  const { name = '', members = [], memberNames = [] } = wire ?? {};
  return { name, members: members.length > 0 ? members : memberNames.map((its) => ({ id: '', name: its })) };
}
