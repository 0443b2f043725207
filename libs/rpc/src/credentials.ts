import type { X509Certificate } from 'node:crypto';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { credentials, ServerCredentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import type { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { CertifiedIdentity, Role } from '@enjambre/core/trust/certified-identity';

/** Who must be at the other end: any holder of a role, one agent, or any member of the network. */
export type Expected = Role | 'member' | { readonly peerId: PeerId };

/** What becomes of an accepted connection. */
export interface Accepted {
  /** It is secured. */
  readonly serve: (socket: Socket) => void;
  /** It began without TLS, which is required. */
  readonly refuse: (socket: Socket) => void;
}

/** Returns a function that receives each accepted connection. */
export type Acceptor = (accepted: Accepted) => (socket: Socket) => void;

/**
 * How a program secures outgoing and incoming connections. Chosen at its composition root and passed down.
 */
export interface Credentials {
  /** For clients of grpc-js. */
  readonly channel: (expected: Expected) => ChannelCredentials;
  /** Options of such clients. */
  readonly channelOptions: ChannelOptions;
  /** For our own HTTP/2 client: opens the socket. Nothing may be written before {@link readyEvent}. */
  readonly connect: (to: TcpNetConnectOpts, expected: Expected) => Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
  /** The pseudo-header `:scheme` of requests over such a socket. */
  readonly scheme: 'http' | 'https';
  /** For servers. */
  readonly acceptor: Acceptor;
  /**
   * Who a client is, by the socket that was given to `serve`; undefined without TLS, where that is allowed. Such a client
   * may call everything.
   */
  readonly clientOf: ((socket: Socket) => Client | undefined) | undefined;
}

/** The identity of a client, or why it has none that counts here. */
export type Client =
  | {
      readonly identity: CertifiedIdentity;
      readonly certificate: X509Certificate;
      /** The certificate that this server has shown to it. */
      readonly shown: () => X509Certificate | undefined;
      /** Why its certificate no longer counts: it has expired, or was revoked. Cheap: asked each second. */
      readonly problemNow: () => EnjambreError | undefined;
    }
  | { readonly identity?: undefined; readonly problem: EnjambreError };

const INSECURE = credentials.createInsecure();

/** For servers of grpc-js: what they receive has been decrypted, or was never encrypted. */
export const DECRYPTED = ServerCredentials.createInsecure();

/** No encryption, and no proof of identity on either side. */
export const PLAINTEXT: Credentials = {
  channel: () => INSECURE,
  channelOptions: {},
  connect: (to) => connect(to),
  readyEvent: 'connect',
  scheme: 'http',
  acceptor: ({ serve }) => serve,
  clientOf: undefined,
};

/** The credentials for an address. A unix socket is in plaintext: the file system controls access. */
export function credentialsAt(address: string, chosen: Credentials): Credentials {
  return address.startsWith('unix:') ? PLAINTEXT : chosen;
}
