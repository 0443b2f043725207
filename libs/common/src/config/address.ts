import { EnjambreError } from '@enjambre/core/error';

/** Address at which a server listens or is reached. */
export type Address = TcpAddress | { readonly kind: 'unix'; readonly path: string };

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

/** Longest path of a unix socket on Linux, without its final NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

/** The ports of the services, where an address names none. */
export const DEFAULT_PORTS = { tracker: 7070, messaging: 7071, agent: 7072, control: 7073 } as const;

/**
 * Reads `HOST:PORT`, `[v6]:PORT`, `[v6%ZONE]:PORT`, `:PORT` (empty host) or `unix:PATH`; with a default port also
 * `HOST` and `[v6]`. Throws `invalid`, BAD_ADDRESS.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length));
  return tcpAddress(text, defaultPort, ' or unix:PATH');
}

/** Like {@link parseAddress}, but without unix sockets. */
export function parseTcpAddress(text: string, defaultPort?: number): TcpAddress {
  return tcpAddress(text, defaultPort, '');
}

const TCP = /^(?:\[([0-9a-fA-F:.]+(?:%[A-Za-z0-9._~-]{1,15})?)\]|([^:[\]/\s]*))(?::(\d{1,5}))?$/;

function tcpAddress(text: string, defaultPort: number | undefined, otherwise: string): TcpAddress {
  const [, v6, name = '', written] = TCP.exec(text) ?? [];
  const host = v6 ?? name;
  // A number alone is rather a port than a host.
  const isPortless = written === undefined && host !== '' && !/^\d+$/.test(host);
  const port = written === undefined ? (isPortless ? defaultPort : undefined) : Number(written);
  if (port === undefined || port > 65_535) {
    const form = defaultPort === undefined ? 'HOST:PORT' : 'HOST, HOST:PORT';
    throw new EnjambreError(
      'invalid',
      'BAD_ADDRESS',
      `"${text}" is not an address: write ${form}${otherwise}`,
    );
  }
  return { kind: 'tcp', host, port };
}

/** The inverse of {@link parseAddress}; grpc-js accepts the text as a target. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${String(address.port)}`;
}

/** True for an empty host, 0.0.0.0 and ::, which are no destination for other machines. */
export function isUnspecifiedHost(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host);
}

/** True for a host that is reachable only from its own machine: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|::1|(::ffff:)?127\.[0-9.]+)$/i.test(host);
}

/** True for an address of one link, fe80::/10 or 169.254.0.0/16, which is not unique across links. */
export function isLinkLocalHost(host: string): boolean {
  return /^(fe[89ab][0-9a-f]:|(::ffff:)?169\.254\.)/i.test(host);
}

/** Strips the ::ffff: prefix that an IPv6 socket adds to an IPv4 address (::ffff:a.b.c.d). */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, '');
}

function unixAddress(path: string): Address {
  if (path === '') throw new EnjambreError('invalid', 'BAD_ADDRESS', 'unix: needs a socket path');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new EnjambreError(
      'invalid',
      'SOCKET_PATH_TOO_LONG',
      `the socket path ${path} is longer than ${String(MAX_SOCKET_PATH_BYTES)} bytes: choose a shorter data folder or a TCP address`,
    );
  }
  return { kind: 'unix', path };
}
