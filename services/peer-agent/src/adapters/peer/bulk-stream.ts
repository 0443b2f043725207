import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { Metadata, status } from '@grpc/grpc-js';
import { fromServiceError } from '@enjambre/common/grpc/status';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { GRPC_PREFIX_BYTES, putGrpcPrefix } from '@enjambre/proto/fetch-codec';
import { FetchReader } from '@enjambre/proto/fetch-reader';
import {
  FetchRequest,
  PeerServiceService,
  type FetchResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MAX_MESSAGE_BYTES } from './limits.js';

/** Bytes flow from server to client, and only the client can widen its window (docs/protocol.md). */
const STREAM_WINDOW = 8 << 20;
const SESSION_WINDOW = 32 << 20;
/** What a session may hold, in megabytes: the windows bound it. */
const MAX_SESSION_MEMORY = 64;

/** What comes of a Fetch stream. After `ended` nothing more does. */
export interface BulkListener {
  readonly message: (response: FetchResponse) => void;
  /** Why it ended; undefined if the server ended it well. */
  readonly ended: (error: EnjambreError | undefined) => void;
}

export interface BulkComponents {
  readonly session: ClientHttp2Session;
  readonly memoryFor: (bytes: number) => Buffer;
}

/** A connection for Fetch streams to an uploader. */
export function connectBulk(endpoint: string): ClientHttp2Session {
  const session = connect(`http://${endpoint}`, {
    settings: { initialWindowSize: STREAM_WINDOW, enablePush: false },
    maxSessionMemory: MAX_SESSION_MEMORY,
  });
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(SESSION_WINDOW);
  });
  // Its streams tell of it.
  session.on('error', () => undefined);
  return session;
}

/**
 * The client's end of a Fetch stream: gRPC over Node's HTTP/2. grpc-js would copy each
 * block into fresh memory, and collecting that takes longer than all else (docs/adr/0009-data-plane.md).
 */
export class BulkStream {
  readonly #stream: ClientHttp2Stream;
  readonly #listener: BulkListener;
  #over = false;

  constructor({ session, memoryFor }: BulkComponents, listener: BulkListener) {
    this.#listener = listener;
    this.#stream = session.request({
      ':method': 'POST',
      ':path': PeerServiceService.fetch.path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const reader = new FetchReader({ maxBytes: MAX_MESSAGE_BYTES, memoryFor, message: listener.message });
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      try {
        reader.push(chunk);
      } catch (error) {
        this.#end(unreadable(error));
      }
    });
    this.#stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) this.#trailers(headers);
      else if (headers[':status'] !== 200) this.#fail(status.UNAVAILABLE, `HTTP ${headers[':status'] ?? 0}`);
    });
    this.#stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers(trailers);
    });
    this.#stream.on('error', (error: Error) => {
      this.#fail(status.UNAVAILABLE, error.message);
    });
    this.#stream.on('close', () => {
      this.#fail(status.UNAVAILABLE, 'the connection ended');
    });
  }

  write(message: FetchRequest): void {
    if (this.#over) return;
    const bytes = FetchRequest.encode(message).finish();
    const frame = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + bytes.length);
    putGrpcPrefix(frame, bytes.length);
    frame.set(bytes, GRPC_PREFIX_BYTES);
    this.#stream.write(frame);
  }

  /** Ends it without a word; the listener hears nothing more. */
  cancel(): void {
    this.#over = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #trailers(headers: IncomingHttpHeaders): void {
    const code = statusOf(headers['grpc-status']);
    if (code === status.OK) return this.#end(undefined);
    this.#fail(code, decoded(headers['grpc-message']), Metadata.fromHttp2Headers(headers));
  }

  #fail(code: status, details: string, metadata = new Metadata()): void {
    this.#end(fromServiceError(Object.assign(new Error(details), { code, details, metadata })));
  }

  #end(error: EnjambreError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#listener.ended(error);
  }
}

function unreadable(cause: unknown): EnjambreError {
  return new EnjambreError('invalid', 'PROTOCOL_VIOLATION', `the peer sent ${messageOf(cause)}`, { cause });
}

/** UNKNOWN for a number that gRPC does not have. */
function statusOf(header: string | string[] | undefined): status {
  const codes = Object.values(status).filter((value): value is status => typeof value === 'number');
  return codes.find((code) => String(code) === header) ?? status.UNKNOWN;
}

/** A message as it was meant; as it came if it is badly encoded. */
function decoded(header: string | string[] | undefined): string {
  const text = String(header ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
