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
import type { Http2Connection, Http2Stream } from '../http2/connection.js';
import { MAX_MESSAGE_BYTES } from './limits.js';

/** What comes of a Fetch stream. After `ended` nothing more does. */
export interface BulkListener {
  readonly message: (response: FetchResponse) => void;
  /** Why it ended; undefined if the server ended it well. */
  readonly ended: (error: EnjambreError | undefined) => void;
}

export interface BulkComponents {
  readonly connection: Http2Connection;
  readonly memoryFor: (bytes: number) => Buffer;
}

/**
 * The client's end of a Fetch stream: gRPC over our own HTTP/2 client. grpc-js would copy each
 * block into fresh memory, and collecting that takes longer than all else (docs/adr/0009-data-plane.md).
 */
export class BulkStream {
  readonly #stream: Http2Stream;
  readonly #listener: BulkListener;
  #over = false;

  constructor({ connection, memoryFor }: BulkComponents, listener: BulkListener) {
    this.#listener = listener;
    const reader = new FetchReader({ maxBytes: MAX_MESSAGE_BYTES, memoryFor, message: listener.message });
    this.#stream = connection.request(requestHeaders(connection.authority), {
      headers: (fields, isLast) => {
        this.#onHeaders(fields, isLast);
      },
      data: (part) => {
        if (this.#over) return;
        try {
          reader.push(part);
        } catch (error) {
          this.#end(unreadable(error));
        }
      },
      closed: (reason = 'the stream ended without a status') => {
        this.#fail(status.UNAVAILABLE, reason);
      },
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
    this.#stream.cancel();
  }

  #onHeaders(fields: ReadonlyMap<string, string>, isLast: boolean): void {
    const httpStatus = fields.get(':status') ?? '200';
    if (isLast && fields.has('grpc-status')) this.#onStatus(fields);
    else if (!/^(1..|200)$/.test(httpStatus)) this.#fail(status.UNAVAILABLE, `HTTP ${httpStatus}`);
  }

  #onStatus(fields: ReadonlyMap<string, string>): void {
    const code = statusOf(fields.get('grpc-status'));
    if (code === status.OK) return this.#end(undefined);
    const metadata = Metadata.fromHttp2Headers(Object.fromEntries(fields));
    this.#fail(code, decoded(fields.get('grpc-message')), metadata);
  }

  #fail(code: status, details: string, metadata = new Metadata()): void {
    this.#end(fromServiceError(Object.assign(new Error(details), { code, details, metadata })));
  }

  #end(error: EnjambreError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.cancel();
    this.#listener.ended(error);
  }
}

function requestHeaders(authority: string): [name: string, value: string][] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', PeerServiceService.fetch.path],
    [':authority', authority],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

function unreadable(cause: unknown): EnjambreError {
  return new EnjambreError('invalid', 'PROTOCOL_VIOLATION', `the peer sent ${messageOf(cause)}`, { cause });
}

/** UNKNOWN for a number that gRPC does not have. */
function statusOf(header: string | undefined): status {
  const codes = Object.values(status).filter((value): value is status => typeof value === 'number');
  return codes.find((code) => String(code) === header) ?? status.UNKNOWN;
}

/** A message as it was meant; as it came if it is badly encoded. */
function decoded(header: string | undefined): string {
  const text = header ?? '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
