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
 * Reads `HOST:PORT`, `[v6]:PORT`, `:PORT` (empty host) or `unix:PATH`.
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
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
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
