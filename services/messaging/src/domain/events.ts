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

const PREVIEW_CHARS = 120;

export function messageSent(message: Message): DomainEvent {
  const { id: messageId, sender, target, text } = message;
  return {
    type: 'message.sent',
    sender,
    messageId,
    target: targetKey(target),
    targetName: targetName(target),
    preview: previewOf(text),
  };
}

export function messageDelivered({ id, sender }: Message, receiver: PeerRef): DomainEvent {
  return { type: 'message.delivered', sender, messageId: id, receiver };
}

/** Its first 120 characters, none of them cut in half. */
function previewOf(text: string): string {
  const units = text.slice(0, 2 * PREVIEW_CHARS);
  return Array.from(units).slice(0, PREVIEW_CHARS).join('');
}
