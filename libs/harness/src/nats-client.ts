import { connect, type NatsConnection } from 'nats';

/** Maximum delay before a restarted server is found again. */
const RECONNECT_WAIT_MS = 50;

/**
 * Opens a test's connection to NATS that survives outages of any length: by default nats.js gives up after
 * ten attempts, and a test would wait for its messages forever.
 *
 * @param url of one server, or of several separated by commas
 */
export function connectToNats(url: string): Promise<NatsConnection> {
  return connect({
    servers: url.split(','),
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
  });
}
