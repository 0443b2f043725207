import type { Http2Server } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/**
 * The parts of a grpc-js server that it does not export. Its version is pinned, and a test detects changes. Throws if
 * one is missing: a server without its gate would be open to everybody.
 */

/** The HTTP/2 server behind the connection injector of a server that has no other. */
export function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  const [only, ...others] = http2Servers?.keys() ?? [];
  if (only === undefined || others.length > 0) throw unknownVersion('its HTTP/2 server');
  return only;
}

function unknownVersion(what: string): Error {
  return new Error(`this version of grpc-js hides ${what}: use the pinned one`);
}
