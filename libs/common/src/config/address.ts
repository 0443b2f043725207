import { EnjambreError } from '@enjambre/core/error';

/** Where a server listens or is reached. */
export type Address = TcpAddress | { readonly kind: 'unix'; readonly path: string };

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

/** Longest path that a unix socket takes on Linux, its final NUL left out. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Reads `HOST:PORT`, `[v6]:PORT`, `[v6%ZONE]:PORT`, `:PORT` (empty host) or `unix:PATH`.
 * Throws `invalid`, BAD_ADDRESS.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length));
  return tcpAddress(text, 'HOST:PORT or unix:PATH');
}

/** {@link parseAddress} where a unix socket does not do. */
export function parseTcpAddress(text: string): TcpAddress {
  return tcpAddress(text, 'HOST:PORT');
}

function tcpAddress(text: string, taken: string): TcpAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[A-Za-z0-9._~-]{1,15})?)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new EnjambreError('invalid', 'BAD_ADDRESS', `"${text}" is not an address: write ${taken}`);
  }
  return { kind: 'tcp', host: match[1] ?? match[2] ?? '', port };
}

/** The text that {@link parseAddress} reads back, and that grpc-js takes as a target. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${String(address.port)}`;
}

/** True for an empty host, 0.0.0.0 and ::, which nobody can connect to from elsewhere. */
export function isUnspecifiedHost(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host);
}

/** True for a host that only its own machine reaches: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|::1|(::ffff:)?127\.[0-9.]+)$/i.test(host);
}

/** True for an address of one link, fe80::/10 or 169.254.0.0/16, which means something else, or nothing, on another. */
export function isLinkLocalHost(host: string): boolean {
  return /^(fe[89ab][0-9a-f]:|(::ffff:)?169\.254\.)/i.test(host);
}

/** An IPv4 address as such, also if an IPv6 socket shows it (::ffff:a.b.c.d). */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, '');
}

function unixAddress(path: string): Address {
  if (path === '') throw new EnjambreError('invalid', 'BAD_ADDRESS', 'unix: needs the path of a socket');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new EnjambreError(
      'invalid',
      'SOCKET_PATH_TOO_LONG',
      `the socket path ${path} is longer than ${String(MAX_SOCKET_PATH_BYTES)} bytes: choose a shorter data folder or a TCP address`,
    );
  }
  return { kind: 'unix', path };
}
