import { chmodSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { createConnection, createServer, isIP, type ListenOptions, type Server, type Socket } from 'node:net';
import type { Address, TcpAddress } from '@enjambre/common/config/address';
import { listenAnywhere } from '@enjambre/common/config/listen-anywhere';

export interface Listener {
  /** Receives each connection, in the turn in which it is accepted. */
  readonly accept: (socket: Socket) => void;
  /** Receives an error of the system while connections are accepted, such as too many open files. */
  readonly failed: (error: Error) => void;
}

export interface Listening {
  /** With the port that the system chose if it was 0. */
  readonly address: Address;
  /** Accepts no more connections; the open ones stay. */
  close(): void;
}

/** Listens at an address. Only the owner can access a unix socket. Throws the errors of the system. */
export async function listen(at: Address, listener: Listener): Promise<Listening> {
  const servers: Server[] = [];
  const address =
    at.kind === 'tcp'
      ? await listenAnywhere(at, (host) => listenAtHost(host, listener, servers))
      : await listenAtPath(at.path, listener, servers);
  const close = (): void => {
    for (const server of servers) server.close();
  };
  return { address, close };
}

/** Listens at all addresses of the host that can be used, with one port. */
async function listenAtHost(at: TcpAddress, listener: Listener, servers: Server[]): Promise<TcpAddress> {
  let { port } = at;
  let failure: unknown;
  for (const host of await addressesOf(at.host)) {
    try {
      const server = await listening({ host, port }, listener);
      servers.push(server);
      port = portOf(server);
    } catch (error) {
      failure ??= error;
    }
  }
  if (servers.length === 0) throw failure;
  return { ...at, port };
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function listenAtPath(path: string, listener: Listener, servers: Server[]): Promise<Address> {
  await removeStale(path);
  const previousMask = process.umask(0o177);
  try {
    servers.push(await listening({ path }, listener));
    chmodSync(path, 0o600);
    return { kind: 'unix', path };
  } finally {
    process.umask(previousMask);
  }
}

async function listening(options: ListenOptions, { accept, failed }: Listener): Promise<Server> {
  const server = createServer(accept);
  server.listen(options);
  await once(server, 'listening');
  server.on('error', failed);
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** Removes the socket of a killed process: it has no listener, and would block the address. */
async function removeStale(path: string): Promise<void> {
  const stale = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => {
      resolve('code' in error && error.code === 'ECONNREFUSED');
    });
  });
  // A regular file refuses connections as well, and must not be removed.
  if (stale && (await lstat(path)).isSocket()) await unlink(path);
}
