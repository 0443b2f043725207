import type { Fact } from '@enjambre/common/events/event-bus';
import type { PeerRef as ProtoPeerRef } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { DomainEvent } from '../domain/events.js';
import type { PeerRef } from '../domain/message.js';

export function fromEvent(event: DomainEvent): Fact {
  const sender = fromPeer(event.sender);
  const { messageId } = event;
  switch (event.type) {
    case 'message.sent': {
      const { target, targetName, preview } = event;
      const bytes = BigInt(event.bytes);
      return {
        $case: 'messageSent',
        value: { sender, messageId, target, targetName, preview, sizeBytes: bytes },
      };
    }
    case 'message.delivered':
      return { $case: 'messageDelivered', value: { sender, messageId, receiver: fromPeer(event.receiver) } };
  }
}

function fromPeer({ id, name }: PeerRef): ProtoPeerRef {
  return { id: id, name };
}
