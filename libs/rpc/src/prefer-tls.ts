import { connect as connectPlain, type TcpNetConnectOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { messageOf } from '@enjambre/core/error';
import type { Credentials } from './credentials.js';

/**
 * What Node and OpenSSL report where the server does not use TLS, and how long it is called without TLS then. A server
 * without TLS may just end the connection, as many others do: that counts for the next attempt only. A certificate that is
 * refused is none of it.
 */
const NO_TLS: readonly (readonly [RegExp, number])[] = [
  [/wrong version number|packet length too long/, 30_000],
  [/before secure TLS connection|ECONNRESET/, 2000],
];

/** Servers that did not use TLS lately. */
class PlainServers {
  readonly #until = new Map<string, number>();

  has(server: string): boolean {
    const until = this.#until.get(server);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.#until.delete(server);
    return false;
  }

  /** Records why a connection could not be secured. */
  failed(server: string, error: unknown): void {
    const [, forMs] = NO_TLS.find(([pattern]) => pattern.test(messageOf(error))) ?? [];
    if (forMs !== undefined) this.#until.set(server, performance.now() + forMs);
  }
}

/**
 * Credentials for the time in which a network moves to TLS: servers take plaintext as well, and clients fall back to it.
 * The first attempt to reach a server without TLS fails, and the next one succeeds.
 */
export function preferTls(secured: Credentials): Credentials {
  const servers = new PlainServers();
  /** Most are shared by several clients. */
  const seen = new WeakSet<ChannelCredentials>();
  const { clientOf } = secured;
  return {
    ...secured,
    channel: (expected) => {
      const credentials = secured.channel(expected);
      if (!seen.has(credentials)) fallBack(credentials, servers);
      seen.add(credentials);
      return credentials;
    },
    connect: (to, expected) => {
      const server = serverAt(to);
      if (servers.has(server)) {
        const socket = connectPlain(to);
        return socket.once('connect', () => socket.emit(secured.readyEvent));
      }
      const socket = secured.connect(to, expected);
      const failed = (error: Error): void => servers.failed(server, error);
      socket.once('error', failed).once(secured.readyEvent, () => socket.off('error', failed));
      return socket;
    },
    acceptor: ({ serve }) => secured.acceptor({ serve, refuse: serve }),
    clientOf: (socket) => (socket instanceof TLSSocket ? clientOf?.(socket) : undefined),
  };
}

/** Lets grpc-js fall back. */
function fallBack(credentials: ChannelCredentials, servers: PlainServers): void {
  const createConnector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...init) => {
    const connector = createConnector(...init);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      const server = serverAt({ host: socket.remoteAddress, port: socket.remotePort ?? 0 });
      if (servers.has(server)) return { socket, secure: false };
      try {
        return await connect(socket);
      } catch (error) {
        servers.failed(server, error);
        throw error;
      }
    };
    return connector;
  };
}

function serverAt({ host = '', port }: Pick<TcpNetConnectOpts, 'host' | 'port'>): string {
  return `${host} ${port}`;
}
