import { targetKey, targetName, type Message, type PeerRef } from './message.js';

/** One fact of the network's life, as the relay sees it. */
export type DomainEvent =
  | {
      readonly type: 'message.sent';
      readonly sender: PeerRef;
      readonly messageId: string;
      /** "peer:ID", "room:NAME" or "all". */
      readonly target: string;
      /** The receiver's name, the room's, or "everyone". */
      readonly targetName: string;
      /** The beginning of the text. */
      readonly preview: string;
    }
  | {
      readonly type: 'message.delivered';
      readonly sender: PeerRef;
      readonly messageId: string;
      readonly receiver: PeerRef;
    };

/** @param previewChars how much of the text others may see */
export function messageSent(message: Message, previewChars: number): DomainEvent {
  const { id: messageId, sender, target, text } = message;
  return {
    type: 'message.sent',
    sender,
    messageId,
    target: targetKey(target),
    targetName: targetName(target),
    preview: previewOf(text, previewChars),
  };
}

export function messageDelivered({ id, sender }: Message, receiver: PeerRef): DomainEvent {
  return { type: 'message.delivered', sender, messageId: id, receiver };
}

/** Its first characters, none of them cut in half. */
function previewOf(text: string, chars: number): string {
  return Array.from(text.slice(0, 2 * chars))
    .slice(0, chars)
    .join('');
}
