import { permitted, WHOLE, WITHOUT_TEXTS, type EventView } from '@enjambre/common/events/event-view';
import type { EventWatchers } from '@enjambre/common/events/event-watchers';
import type { OperatorToken } from '@enjambre/common/identity/operator-token';
import { networkOf } from '@enjambre/core/network-of';
import { mayReadTexts } from '@enjambre/core/trust/policy';
import type { MessagingServiceServer } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { CallContext, HandlerFactory } from '@enjambre/rpc/handlers';
import type { MessageExchange } from '../app/message-exchange.js';
import type { SessionRegistry } from './session-registry.js';

interface EventViewParts {
  readonly operator: Pick<OperatorToken, 'isPresentedIn'>;
  readonly sessions: Pick<SessionRegistry, 'find'>;
  readonly exchange: Pick<MessageExchange, 'mayRead' | 'watched'>;
}

export interface EventHandlerParts extends EventViewParts {
  readonly handlers: HandlerFactory;
  readonly watchers: EventWatchers;
}

/** Handles WatchEvents. */
export function eventHandler(parts: EventHandlerParts): MessagingServiceServer['watchEvents'] {
  const { handlers, watchers, exchange } = parts;
  return handlers.serverStream(async function* (request, context) {
    exchange.watched(networkOf(context.peer));
    const view = permitted(viewOf(parts, context), context.caller?.identity);
    yield* watchers.watch(request, { signal: context.signal, view });
  });
}

/**
 * What the caller of WatchEvents may see: texts are for operators and for the parties of a message, as long as the
 * session of the caller's token is open.
 */
function viewOf(
  { operator, sessions, exchange }: EventViewParts,
  { metadata, caller }: Pick<CallContext, 'metadata' | 'caller'>,
): EventView {
  if (operator.isPresentedIn(metadata) || (caller && mayReadTexts(caller.identity))) return WHOLE;
  return (event) => {
    const fact = event.event;
    if (fact?.$case !== 'messageSent') return event;
    const reader = sessions.find(metadata);
    const { sender, target } = fact.value;
    const sentAt = event.time?.getTime() ?? 0;
    const isParty = reader && exchange.mayRead(reader.id, { sender: sender?.id ?? '', target, sentAt });
    return isParty ? event : WITHOUT_TEXTS(event);
  };
}
