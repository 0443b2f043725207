import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';

/** How a program secures what it dials and what it serves. Chosen where the program is put together, and passed down. */
export interface Credentials {
  /** For clients of grpc-js. */
  readonly channel: ChannelCredentials;
  /** For our own HTTP/2 client: opens the socket. */
  readonly connect: (to: TcpNetConnectOpts) => Socket;
  /** What requests over such a socket say: the pseudo-header `:scheme`. */
  readonly scheme: 'http' | 'https';
  /** For servers. */
  readonly server: ServerCredentials;
}

/** Nothing is encrypted, and neither side proves its identity. */
export const PLAINTEXT: Credentials = {
  channel: credentials.createInsecure(),
  connect,
  scheme: 'http',
  server: ServerCredentials.createInsecure(),
};

/** What an address is dialed or served with. A unix socket is in the clear: the file system keeps others away. */
export function credentialsAt(address: string, chosen: Credentials): Credentials {
  return address.startsWith('unix:') ? PLAINTEXT : chosen;
}
