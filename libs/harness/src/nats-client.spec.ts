import { expect, test } from '@jest/globals';
import { DebugEvents } from 'nats';
import { connectToNats } from './nats-client.js';
import { NatsServer } from './nats-server.js';
import { waitFor } from './wait-for.js';

/** Attempts after which nats.js gives up by default. */
const ATTEMPTS_OF_NATS_JS = 10;

test('the connection of a test survives any outage of the server', async () => {
  const server = await NatsServer.start();
  const connection = await connectToNats(server.url);
  try {
    let attempts = 0;
    void (async () => {
      for await (const { type } of connection.status()) attempts += Number(type === DebugEvents.Reconnecting);
    })();
    await server.kill();
    await waitFor(() => connection.isClosed() || attempts > ATTEMPTS_OF_NATS_JS + 1, {
      what: 'more attempts than nats.js makes by itself',
      seen: () => attempts,
    });
    expect(connection.isClosed()).toBe(false);
    await server.restart();
    await waitFor(() => connection.flush().then(() => true), { what: 'the connection', retryErrors: true });
  } finally {
    await connection.close();
    await server.stop();
  }
});
