import { connect, type NatsConnection } from 'nats';

/** A restarted server is found again within this. */
const RECONNECT_WAIT_MS = 50;

/**
 * A connection of a test to NATS that outlives every absence of the server, however long: nats.js
 * by itself gives up after ten attempts, and a test that waits for its messages waits for ever.
 *
 * @param url of a server, or of several with commas
 */
export function connectToNats(url: string): Promise<NatsConnection> {
  return connect({
    servers: url.split(','),
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
  });
}
