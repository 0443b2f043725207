import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';

/**
 * How a program secures outgoing and incoming connections. Chosen at its composition root and passed down.
 */
export interface Credentials {
  /** For clients of grpc-js. */
  readonly channel: ChannelCredentials;
  /** For our own HTTP/2 client: opens the socket. */
  readonly connect: (to: TcpNetConnectOpts) => Socket;
  /** The pseudo-header `:scheme` of requests over such a socket. */
  readonly scheme: 'http' | 'https';
  /** For servers. */
  readonly server: ServerCredentials;
}

/** No encryption, and no proof of identity on either side. */
export const PLAINTEXT: Credentials = {
  channel: credentials.createInsecure(),
  connect,
  scheme: 'http',
  server: ServerCredentials.createInsecure(),
};

/** The credentials for an address. A unix socket is in plaintext: the file system controls access. */
export function credentialsAt(address: string, chosen: Credentials): Credentials {
  return address.startsWith('unix:') ? PLAINTEXT : chosen;
}
