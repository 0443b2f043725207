import { X509Certificate } from 'node:crypto';
import type { TcpNetConnectOpts } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { identityOf } from '@enjambre/common/trust/tls-material';

/** Visits begin within this time. */
const SPREAD_MS = 2000;
const VISIT_MS = 10_000;
/** Time for the server to look at the certificate. */
const LINGER_MS = 1000;

/** That of a server. `getPeerX509Certificate` of Node 20 takes it from a client: the next call returns nothing. */
export function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return raw && new X509Certificate(raw);
}

/** The open connections to servers: those to a server whose certificate is revoked are ended. */
export class DialedServers {
  readonly #open = new Map<TLSSocket, X509Certificate>();

  constructor(private readonly revocations: ProgramTls['revocations']) {
    revocations.onChange(() => {
      this.#review();
    });
  }

  /** Why a server with this certificate must not be talked to; undefined if it may be. */
  problemOf(certificate: X509Certificate): EnjambreError | undefined {
    const peer = this.revocations.size === 0 ? undefined : identityOf(certificate).peerId;
    const at = this.revocations.revokedAt(certificate, peer);
    if (!at) return undefined;
    const message = `the certificate of the server was revoked at ${at.toISOString()}`;
    return new EnjambreError('unauthenticated', 'CERTIFICATE_REVOKED', message);
  }

  /** A connection to a server whose certificate was checked. */
  add(socket: TLSSocket, certificate: X509Certificate | undefined): void {
    if (!certificate || socket.destroyed) return;
    this.#open.set(socket, certificate);
    socket.once('close', () => this.#open.delete(socket));
    this.#end(socket, certificate);
  }

  /**
   * Shows each server a certificate that was renewed, by a handshake of its own: the connections that began with the old
   * one stay when that expires.
   */
  visit(dial: (to: TcpNetConnectOpts) => TLSSocket): void {
    const places = [...this.#open.keys()].map(({ remoteAddress: host, remotePort: port }) => ({
      host,
      port,
    }));
    const distinct = new Map(places.map((place) => [`${place.host} ${place.port}`, place]));
    for (const { host, port } of distinct.values()) {
      if (host === undefined || port === undefined) continue;
      setTimeout(() => {
        const socket = dial({ host, port });
        // A server that cannot be reached, or is another now, has no such connections.
        socket.on('error', () => undefined).resume();
        socket.setTimeout(VISIT_MS, () => socket.destroy());
        socket.once('secureConnect', () => setTimeout(() => socket.destroy(), LINGER_MS).unref());
      }, Math.random() * SPREAD_MS).unref();
    }
  }

  /** The same credentials; the connections of grpc-js that they secure are among those known here. */
  watch(credentials: ChannelCredentials): ChannelCredentials {
    const createConnector = credentials._createSecureConnector.bind(credentials);
    credentials._createSecureConnector = (...init) => {
      const connector = createConnector(...init);
      const connect = connector.connect.bind(connector);
      connector.connect = async (socket) => {
        const connected = await connect(socket);
        if (connected.socket instanceof TLSSocket)
          this.add(connected.socket, certificateOf(connected.socket));
        return connected;
      };
      return connector;
    };
    return credentials;
  }

  #review(): void {
    for (const [socket, certificate] of [...this.#open]) this.#end(socket, certificate);
  }

  #end(socket: TLSSocket, certificate: X509Certificate): void {
    const problem = this.problemOf(certificate);
    if (problem) socket.destroy(problem);
  }
}
