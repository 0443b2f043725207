import { parsePeerId, peerIdFromBytes, peerIdToBytes, type PeerId } from '@enjambre/core/ids';
import type { Target as ProtoTarget } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { StoredMessage } from '@enjambre/proto/gen/enjambre/messaging/v1/stored_message';
import type { Stored } from '../../app/ports.js';
import { checkMessageId, checkRoomName, checkText, type Message, type Target } from '../../domain/message.js';
import { fromMessage } from '../convert.js';

/** Encodes the sender's copy, with the list of receivers. */
export function encodeOutbox({ message, receivers, skipped }: Stored): Uint8Array {
  return encode({
    message: fromMessage(message),
    receivers: receivers.map(peerIdToBytes),
    skippedCount: skipped,
  });
}

/** Encodes a receiver's copy. */
export function encodeInbox(message: Message): Uint8Array {
  return encode({ message: fromMessage(message), receivers: [], skippedCount: 0 });
}

/** Decodes either copy. Throws any error if it is malformed: any NATS client can publish on the subjects. */
export function decodeStored(data: Uint8Array): Stored {
  const { message, receivers, skippedCount: skipped } = StoredMessage.decode(data);
  if (!message) throw new Error('there is no message in it');
  const { id, senderId, senderName, target, targetName, text, sentAt } = message;
  checkMessageId(id);
  checkText(text);
  if (!sentAt || Number.isNaN(sentAt.getTime())) throw new Error('it has no time');
  return {
    message: {
      id,
      sender: { id: parsePeerId(senderId), name: senderName },
      target: toTarget(target, targetName),
      text,
      sentAt: sentAt.getTime(),
    },
    receivers: receivers.map((bytes): PeerId => peerIdFromBytes(bytes)),
    skipped,
  };
}

function toTarget(target: ProtoTarget | undefined, name: string): Target {
  const settled = target?.target;
  switch (settled?.$case) {
    case 'peer':
      return { kind: 'peer', peer: { id: parsePeerId(settled.value), name } };
    case 'room':
      checkRoomName(settled.value);
      return { kind: 'room', room: settled.value };
    case 'everyone':
      return { kind: 'everyone' };
    case undefined:
      throw new Error('it has no target');
  }
}

function encode(stored: StoredMessage): Uint8Array {
  return StoredMessage.encode(stored).finish();
}
