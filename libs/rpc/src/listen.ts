import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { formatAddress, type Address } from '@enjambre/common/config/address';
import { listenAnywhere } from '@enjambre/common/config/listen-anywhere';

/**
 * Binds a grpc-js server and returns its address, with the port that the system chose if it was 0. Only the
 * owner can access a unix socket. Throws the errors of grpc-js.
 */
export async function bind(
  server: Server,
  listen: Address,
  credentials: ServerCredentials,
): Promise<Address> {
  const bindTo = (address: Address): Promise<number> => bindAsync(server, address, credentials);
  if (listen.kind === 'tcp') return listenAnywhere(listen, async (at) => ({ ...at, port: await bindTo(at) }));
  await removeStale(listen.path);
  const previousMask = process.umask(0o177);
  try {
    await bindTo(listen);
    chmodSync(listen.path, 0o600);
    return listen;
  } finally {
    process.umask(previousMask);
  }
}

/** Returns the port. */
function bindAsync(server: Server, address: Address, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(address), credentials, (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
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
