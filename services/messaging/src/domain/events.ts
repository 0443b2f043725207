import { targetKey, targetName, type Message, type PeerRef } from './message.js';

/** An event of the network, as seen by the messaging service. */
export type DomainEvent =
  | {
      readonly type: 'message.sent';
      readonly sender: PeerRef;
      readonly messageId: string;
      /** "peer:ID", "room:NAME" or "all". */
      readonly target: string;
      /** The receiver's or the room's name, or "everyone". */
      readonly targetName: string;
      /** The beginning of the text. */
      readonly preview: string;
      /** Size of the text in bytes. */
      readonly bytes: number;
    }
  | {
      readonly type: 'message.delivered';
      readonly sender: PeerRef;
      readonly messageId: string;
      readonly receiver: PeerRef;
    };

/** @param previewChars number of the text's characters in the event */
export function messageSent(message: Message, previewChars: number): DomainEvent {
  const { id: messageId, sender, target, text } = message;
  return {
    type: 'message.sent',
    sender,
    messageId,
    target: targetKey(target),
    targetName: targetName(target),
    preview: previewOf(text, previewChars),
    bytes: Buffer.byteLength(text),
  };
}

export function messageDelivered({ id, sender }: Message, receiver: PeerRef): DomainEvent {
  return { type: 'message.delivered', sender, messageId: id, receiver };
}

/** The first characters of a text, without splitting one. */
function previewOf(text: string, chars: number): string {
  return Array.from(text.slice(0, 2 * chars))
    .slice(0, chars)
    .join('');
}
