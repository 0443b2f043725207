import type { Event, PeerRef as ProtoPeerRef } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { DomainEvent, PublishedEvent } from '../domain/events.js';
import type { PeerRef } from '../domain/message.js';

export function fromEvent({ id, time, source, event }: PublishedEvent): Event {
  return { id, time: new Date(time), source, event: fromFact(event) };
}

function fromFact(event: DomainEvent): Event['event'] {
  const sender = fromPeer(event.sender);
  const { messageId } = event;
  switch (event.type) {
    case 'message.sent': {
      const { target, targetName, preview } = event;
      return { $case: 'messageSent', value: { sender, messageId, target, targetName, preview } };
    }
    case 'message.delivered':
      return { $case: 'messageDelivered', value: { sender, messageId, receiver: fromPeer(event.receiver) } };
  }
}

function fromPeer({ id, name }: PeerRef): ProtoPeerRef {
  return { peerId: id, name };
}
