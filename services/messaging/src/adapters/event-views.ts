import { WHOLE, WITHOUT_TEXTS, type EventView } from '@enjambre/common/events/event-view';
import type { OperatorToken } from '@enjambre/common/identity/operator-token';
import type { Metadata } from '@grpc/grpc-js';
import type { MessageExchange } from '../app/message-exchange.js';
import type { SessionRegistry } from './session-registry.js';

export interface EventViewParts {
  readonly operator: Pick<OperatorToken, 'isPresentedIn'>;
  readonly sessions: Pick<SessionRegistry, 'find'>;
  readonly exchange: Pick<MessageExchange, 'mayRead'>;
}

/**
 * What the caller of WatchEvents may see: texts are for operators and for the parties of a message, as long as the
 * session of the caller's token is open.
 */
export function eventViewOf({ operator, sessions, exchange }: EventViewParts, metadata: Metadata): EventView {
  if (operator.isPresentedIn(metadata)) return WHOLE;
  return (event) => {
    const fact = event.event;
    if (fact?.$case !== 'messageSent') return event;
    const reader = sessions.find(metadata);
    const { sender, target } = fact.value;
    const isParty = reader && exchange.mayRead(reader.id, { sender: sender?.peerId ?? '', target });
    return isParty ? event : WITHOUT_TEXTS(event);
  };
}
