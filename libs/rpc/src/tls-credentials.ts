import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  createServer,
  TLSSocket,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { shortId } from '@enjambre/core/ids';
import type { CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import type { TlsMode } from '@enjambre/common/config/tls-options';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { identityOf, type TlsMaterial } from '@enjambre/common/trust/tls-material';
import { problemOfClock, problemsOf } from './client-problems.js';
import { PLAINTEXT, type Acceptor, type Client, type Credentials, type Expected } from './credentials.js';
import { certificateOf, DialedServers } from './dialed-servers.js';
import { noCertificate } from './no-certificate.js';
import { RenewedClients } from './renewed-clients.js';
import { preferTls } from './prefer-tls.js';
import { SessionCache } from './session-cache.js';

/** Mutual TLS if the program has a certificate, else none. */
export function credentialsFrom(
  tls: TlsSource | undefined,
  { tlsMode }: { readonly tlsMode: TlsMode },
): Credentials {
  if (!tls) return PLAINTEXT;
  return tlsMode === 'prefer' ? preferTls(tlsCredentials(tls)) : tlsCredentials(tls);
}

type TlsSource = Pick<ProgramTls, 'current' | 'onChange' | 'revocations'>;

/** AES-128 first: it is the cheapest for a processor with AES instructions, which the client decides. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const ALPN = 'h2';
/** The first byte of a connection with TLS. */
const TLS_HANDSHAKE = 0x16;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Certificates name roles and peers, not hosts, and the SNI extension must not contain an IP address. */
export const SERVER_NAME = 'enjambre';

/** Mutual TLS 1.3: both sides prove with a certificate of the network who they are. */
export function tlsCredentials(source: TlsSource): Credentials {
  const context = renewedContext(source);
  const sessions = new SessionCache();
  const servers = new DialedServers(source.revocations);
  const renewed = new RenewedClients();
  source.onChange(() => {
    sessions.clear();
    // Who is there was checked, by the connections that are open.
    const checkServerIdentity = (): undefined => undefined;
    servers.visit((to) => connect({ ...to, ...optionsOfClient(context), checkServerIdentity }));
  });
  source.revocations.onChange(() => {
    sessions.clear();
  });
  const checkServer = (expected: Expected) => (_host: string, certificate: PeerCertificate) =>
    problemOfServer(certificate, { own: source.current.identity, expected }) ??
    servers.problemOf(new X509Certificate(certificate.raw));
  const channels = new Map<Expected, ChannelCredentials>();
  return {
    channel: (expected) => {
      // Also where the environment says that Node shall not check.
      const options = { checkServerIdentity: checkServer(expected), rejectUnauthorized: true };
      const made =
        channels.get(expected) ?? servers.watch(ChannelCredentials.createFromSecureContext(context, options));
      // grpc-js shares connections by this object. Those to peers are not shared, and peers are many.
      if (typeof expected === 'string') channels.set(expected, made);
      return made;
    },
    channelOptions: { 'grpc.ssl_target_name_override': SERVER_NAME },
    connect: (to, expected) => {
      const server = `${keyOf(expected)} ${to.host ?? ''}:${to.port}`;
      const resumed = sessions.take(server, Date.now());
      const socket = connect({
        ...to,
        ...optionsOfClient(context),
        checkServerIdentity: checkServer(expected),
        ...(resumed && { session: resumed.ticket }),
      });
      // A resumed session has no certificate here: it was checked when the first one began.
      const certificate = (): X509Certificate | undefined =>
        resumed && socket.isSessionReused() ? resumed.certificate : certificateOf(socket);
      socket.on('session', (ticket) => {
        const its = certificate();
        if (its) sessions.put(server, { ticket, certificate: its });
      });
      socket.once('secureConnect', () => {
        servers.add(socket, certificate());
      });
      return socket;
    },
    readyEvent: 'secureConnect',
    scheme: 'https',
    acceptor: tlsAcceptor(source),
    clientOf: (socket) => clientOf(socket, source, renewed),
  };
}

function optionsOfClient(secureContext: SecureContext): ConnectionOptions {
  return { secureContext, servername: SERVER_NAME, ALPNProtocols: [ALPN], rejectUnauthorized: true };
}

/** The context of connections that we open. Its content is replaced, since grpc-js keeps the object. */
function renewedContext(source: TlsSource): SecureContext {
  const context = createSecureContext(optionsOf(source.current));
  source.onChange(() => {
    context.context = createSecureContext(optionsOf(source.current)).context as unknown;
  });
  return context;
}

function optionsOf({ ca, cert, key }: TlsMaterial): SecureContextOptions {
  return { ca, cert, key, ciphers: CIPHERS, minVersion: 'TLSv1.3' };
}

function tlsAcceptor(source: TlsSource): Acceptor {
  return ({ serve, refuse }) => {
    const server = createServer({
      ...optionsOf(source.current),
      ALPNProtocols: [ALPN],
      requestCert: true,
      // A client without a certificate can ask for the health, and reads why it cannot call anything else.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      sessionIdContext: createHash('sha256').update(SERVER_NAME).digest('hex').slice(0, 32),
    });
    server.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === ALPN) serve(socket);
      else socket.destroy();
    });
    server.on('tlsClientError', (_, socket) => {
      socket.destroy();
    });
    source.onChange(() => {
      server.setSecureContext(optionsOf(source.current));
    });
    return (socket) => {
      atFirstByte(socket, (byte) => {
        if (byte === TLS_HANDSHAKE) server.emit('connection', socket);
        else refuse(socket);
      });
    };
  };
}

/** Looks at the first byte that a client sends, and leaves it to be read. */
function atFirstByte(socket: Socket, found: (byte: number) => void): void {
  const ended = (): void => void socket.destroy();
  socket.on('error', ended);
  socket.once('end', ended);
  socket.once('readable', () => {
    const head = socket.read() as Buffer | null;
    socket.off('end', ended);
    if (head === null) return ended();
    socket.unshift(head);
    found(head[0] ?? 0);
  });
}

/** Why a server is not the one that was expected; undefined if it is. */
export function problemOfServer(
  { raw }: PeerCertificate,
  { own, expected }: { readonly own: Pick<CertifiedIdentity, 'network'>; readonly expected: Expected },
): Error | undefined {
  let found: CertifiedIdentity;
  try {
    found = identityOf(new X509Certificate(raw));
  } catch (error) {
    return wrongServer(`cannot be trusted: ${messageOf(error)}`);
  }
  if (found.network !== own.network)
    return wrongServer(`belongs to the network ${found.network}, not to ${own.network}`);
  if (expected === 'member') return undefined;
  if (typeof expected === 'string')
    return found.role === expected ? undefined : wrongServer(`has the role ${found.role}, not ${expected}`);
  if (found.peerId === expected.peerId) return undefined;
  const is = found.peerId === undefined ? `in the role ${found.role}` : `peer ${shortId(found.peerId)}`;
  return wrongServer(`is ${is}, not peer ${shortId(expected.peerId)}`);
}

function wrongServer(what: string): EnjambreError {
  return new EnjambreError('unauthenticated', 'WRONG_SERVER', `the server ${what}`);
}

/** Who the client of an accepted connection is. */
function clientOf(socket: Socket, source: TlsSource, renewed: RenewedClients): Client {
  const own = source.current.identity;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!(socket instanceof TLSSocket) || !certificate) return { problem: noCertificate(NO_CERTIFICATE) };
  // A resumed session was checked when it began: the time may have run out since.
  const late = problemOfClock(certificate, Date.now());
  if (late) return { problem: late };
  if (!socket.authorized) return { problem: noCertificate(unauthorized(socket.authorizationError)) };
  try {
    const identity = identityOf(certificate);
    if (identity.network !== own.network) {
      const message = `your certificate is for the network ${identity.network}, not ${own.network}`;
      return { problem: noCertificate(message) };
    }
    const problemNow = problemsOf({ identity, certificate }, { revocations: source.revocations, renewed });
    const problem = problemNow();
    return problem
      ? { problem }
      : { identity, certificate, problemNow, shown: () => socket.getX509Certificate() };
  } catch (error) {
    return { problem: noCertificate(`your certificate cannot be used: ${messageOf(error)}`) };
  }
}

const NO_CERTIFICATE =
  'this network requires TLS with a certificate: join it, or name your certificate with --tls, --tls-cert and --tls-key';

function unauthorized(problem: Error | string | undefined): string {
  return `no CA of this network has signed your certificate (${messageOf(problem)}): join the network again`;
}

function keyOf(expected: Expected): string {
  return typeof expected === 'string' ? expected : expected.peerId;
}
