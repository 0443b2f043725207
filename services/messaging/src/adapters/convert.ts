import { EnjambreError } from '@enjambre/core/error';
import type {
  Delivery as ProtoDelivery,
  Message as ProtoMessage,
  Room as ProtoRoom,
  Target as ProtoTarget,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { RoomView } from '../app/message-exchange.js';
import {
  targetName,
  type Delivery,
  type Message,
  type Target,
  type TargetRequest,
} from '../domain/message.js';

/** Throws `invalid` BAD_TARGET. */
export function toTargetRequest(target: ProtoTarget | undefined): TargetRequest {
  const wanted = target?.target;
  switch (wanted?.$case) {
    case 'peer':
      if (wanted.value !== '') return { kind: 'peer', peer: wanted.value };
      break;
    case 'room':
      return { kind: 'room', room: wanted.value };
    case 'everyone':
      if (wanted.value) return { kind: 'everyone' };
      break;
    case undefined:
  }
  const message = 'the message has no target: name a peer, a room, or everyone';
  throw new EnjambreError('invalid', 'BAD_TARGET', message);
}

export function fromDelivery({ id, message }: Delivery): ProtoDelivery {
  return { deliveryId: BigInt(id), message: fromMessage(message) };
}

export function fromMessage(message: Message): ProtoMessage {
  const { id, sender, target, text, sentAt } = message;
  return {
    id,
    senderId: sender.id,
    senderName: sender.name,
    target: { target: fromTarget(target) },
    text,
    sentAt: new Date(sentAt),
    targetName: targetName(target),
  };
}

export function fromRoom({ name, members }: RoomView): ProtoRoom {
  return {
    name,
    memberNames: members.map((member) => member.name),
    members: members.map(({ id, name: its }) => ({ id, name: its })),
  };
}

function fromTarget(target: Target): ProtoTarget['target'] {
  switch (target.kind) {
    case 'peer':
      return { $case: 'peer', value: target.peer.id };
    case 'room':
      return { $case: 'room', value: target.room };
    case 'everyone':
      return { $case: 'everyone', value: true };
  }
}

/** A delivery id as the store counts it; an id beyond the safe integers is above all ids of the store. */
export function toDeliveryId(id: bigint): number {
  return Number(id);
}
