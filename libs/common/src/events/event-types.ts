import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Fact } from './event-bus.js';

export type FactCase = Fact['$case'];

/** The name of each kind of event in filters, subjects and CloudEvents. */
export const EVENT_TYPES = {
  peerConnected: 'peer.connected',
  peerDisconnected: 'peer.disconnected',
  peerBanned: 'peer.banned',
  peerThrottled: 'peer.throttled',
  fileShared: 'file.shared',
  fileWithdrawn: 'file.withdrawn',
  downloadStarted: 'download.started',
  downloadProgressed: 'download.progressed',
  downloadCompleted: 'download.completed',
  downloadFailed: 'download.failed',
  messageSent: 'message.sent',
  messageDelivered: 'message.delivered',
} as const satisfies Readonly<Record<FactCase, string>>;

/** "download.completed"; empty for a kind of event unknown to this version. */
export function eventTypeOf({ event }: Event): string {
  return event ? EVENT_TYPES[event.$case] : '';
}
