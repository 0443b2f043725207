import { connect, type Socket } from 'node:net';
import { firstOf } from '../async/first-of.js';

/** A server that has not sent its greeting by then is not preferred. */
const GREETING_TIMEOUT_MS = 2000;
const DEFAULT_PORT = 4222;

/**
 * Orders the NATS servers for connecting: first the one whose greeting arrives first; each has a short head
 * start over the next. The NATS client tries one after the other and waits the whole timeout for each. Random
 * order if no greeting arrives: the client then reports why.
 *
 * @param servers "nats://host:port"
 */
export async function quickestFirst(
  servers: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (servers.length < 2) return servers;
  const either = AbortSignal.any([signal, AbortSignal.timeout(GREETING_TIMEOUT_MS)]);
  const shuffled = inAnyOrder(servers);
  try {
    const first = await firstOf(
      shuffled,
      async (server, attempt) => {
        await greeted(server, attempt.signal);
        return server;
      },
      either,
    );
    return [first, ...shuffled.filter((server) => server !== first)];
  } catch {
    return shuffled;
  }
}

/** Random order, so that clients spread over the servers. */
function inAnyOrder(servers: readonly string[]): string[] {
  const weighed = servers.map((server) => ({ server, weight: Math.random() }));
  return weighed.sort((one, other) => one.weight - other.weight).map(({ server }) => server);
}

/** Resolves when the server has sent its first bytes: in the NATS protocol the server speaks first. */
function greeted(server: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server);
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket: Socket = connect({ host, port: port === '' ? DEFAULT_PORT : Number(port) });
    const end = (): void => {
      signal.removeEventListener('abort', end);
      socket.destroy();
      reject(new Error('the server sent no greeting'));
    };
    signal.addEventListener('abort', end, { once: true });
    socket.once('data', () => {
      resolve();
      end();
    });
    socket.on('error', end);
    socket.on('close', end);
  });
}
