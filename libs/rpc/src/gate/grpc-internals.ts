import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/*
 * The parts of a grpc-js server that it does not export. Its version is pinned, and a test detects changes. All throw
 * if a part is missing: a server without its gate would be open to everybody.
 */

/** Serves a stream. */
export type StreamHandler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: string[],
) => void;

export type MethodType = 'unary' | 'clientStream' | 'serverStream' | 'bidi';

/** The type of each method by its path. */
export type Methods = ReadonlyMap<string, { readonly type: MethodType }>;

interface Internals {
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
  readonly handlers?: Methods;
  readonly commonServerOptions?: object;
}

/** Adds options of Node's HTTP/2 server that grpc-js has no name for. Before a connection injector is created. */
export function addHttp2Options(server: Server, options: object): void {
  const { commonServerOptions } = server as unknown as Internals;
  if (commonServerOptions === undefined) throw unknownVersion('the options of its HTTP/2 server');
  Object.assign(commonServerOptions, options);
}

/** The methods of all services that were added. */
export function methodsOf(server: Server): Methods {
  const { handlers } = server as unknown as Internals;
  if (handlers === undefined || handlers.size === 0) throw unknownVersion('its methods');
  return handlers;
}

/** The HTTP/2 server behind the only connection injector of a server. */
export function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as Internals;
  const [only, ...others] = http2Servers?.keys() ?? [];
  if (only === undefined || others.length > 0) throw unknownVersion('its HTTP/2 server');
  return only;
}

/** Takes the streams of an HTTP/2 server from grpc-js, and returns how it serves one. */
export function takeStreams(server: Http2Server, handle: StreamHandler): StreamHandler {
  const [original, ...others] = server.listeners('stream');
  if (original === undefined || others.length > 0) throw unknownVersion('how it serves a stream');
  server.removeAllListeners('stream');
  server.on('stream', handle);
  return (...stream) => void Reflect.apply(original, server, stream);
}

/** A call as grpc-js wraps it: interceptors stand between it and its stream. */
interface WrappedCall {
  readonly stream?: ServerHttp2Stream;
  readonly nextCall?: WrappedCall;
}

/** The HTTP/2 stream below the call of a handler; undefined for a fake. */
export function streamOf(call: object): ServerHttp2Stream | undefined {
  let inner = (call as { readonly call?: WrappedCall }).call;
  while (inner && !inner.stream) inner = inner.nextCall;
  return inner?.stream;
}

function unknownVersion(what: string): Error {
  return new Error(`this version of grpc-js hides ${what}: use the pinned one`);
}
