import { connect, type Socket } from 'node:net';
import { firstOf } from '../async/first-of.js';

/** A server that has not greeted by then is not chosen first. */
const GREETING_TIMEOUT_MS = 2000;
const DEFAULT_PORT = 4222;

/**
 * The servers of NATS in the order in which to try them: first the one that greets first, each having a short head start. NATS' client
 * tries one after the other, and gives each its whole timeout. In any order if none greets: the client then says why.
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

/** So that clients spread over the servers. */
function inAnyOrder(servers: readonly string[]): string[] {
  const weighed = servers.map((server) => ({ server, weight: Math.random() }));
  return weighed.sort((one, other) => one.weight - other.weight).map(({ server }) => server);
}

/** Resolves when the server has said its first word: of NATS it is the server that begins. */
function greeted(server: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server);
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket: Socket = connect({ host, port: port === '' ? DEFAULT_PORT : Number(port) });
    const end = (): void => {
      signal.removeEventListener('abort', end);
      socket.destroy();
      reject(new Error('the server did not greet'));
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
