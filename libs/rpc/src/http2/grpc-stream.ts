import { Metadata, status, type MethodDefinition } from '@grpc/grpc-js';
import type { ObservedCall } from '../call-observer.js';
import { fromServiceError } from '../status.js';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { GRPC_PREFIX_BYTES, putGrpcPrefix } from '../codec/grpc-prefix.js';
import type { Http2Connection } from './connection.js';
import type { Http2Stream } from './http2-stream.js';
import type { MadeCalls } from '../made-calls.js';
import type { MessageStream } from '../message-stream.js';

/** Content type of a gRPC server; a format may follow. */
const GRPC_TYPE = /^application\/grpc($|[+;])/;
/** The details of an error: google.rpc.Status. */
const DETAILS = 'grpc-status-details-bin';

export interface CallInit<Request> {
  /** The generated method. */
  readonly method: Pick<MethodDefinition<Request, unknown>, 'path' | 'requestSerialize'>;
  /**
   * Reads the bytes of the stream in chunks; an error of the reader means a protocol violation by the server.
   */
  readonly reader: { push(part: Buffer): void };
  readonly ended: (error: EnjambreError | undefined) => void;
}

interface StreamInit<Request> extends CallInit<Request> {
  readonly connection: Http2Connection;
  readonly calls: MadeCalls;
}

/**
 * The client side of a gRPC stream over our own HTTP/2 client. grpc-js would copy each block of a Fetch
 * stream into new memory, and takes ten times as long for each small message of a Sync stream
 * (docs/adr/0009-data-plane.md).
 */
export class GrpcStream<Request> implements MessageStream<Request> {
  readonly #stream: Http2Stream;
  readonly #init: StreamInit<Request>;
  readonly #call: ObservedCall;
  #over = false;

  constructor(init: StreamInit<Request>) {
    this.#init = init;
    this.#call = init.calls.begin(init.method.path);
    this.#stream = init.connection.request([...requestHeaders(init), ...Object.entries(this.#call.headers)], {
      headers: (fields, isLast) => {
        this.#onHeaders(fields, isLast);
      },
      data: (part) => {
        if (this.#over) return;
        try {
          init.reader.push(part);
        } catch (error) {
          this.#end(status.INTERNAL, unreadable(error));
        }
      },
      closed: (end) => {
        if (end?.isViolation) this.#end(status.INTERNAL, violation(end.reason));
        else this.#fail(status.UNAVAILABLE, end?.reason ?? 'the stream ended without a status');
      },
    });
  }

  write(message: Request): void {
    if (this.#over) return;
    const bytes = this.#init.method.requestSerialize(message);
    const frame = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + bytes.length);
    putGrpcPrefix(frame, bytes.length);
    frame.set(bytes, GRPC_PREFIX_BYTES);
    this.#stream.write(frame);
  }

  end(): void {
    if (!this.#over) this.#stream.end();
  }

  cancel(): void {
    if (!this.#over) this.#call.ended(status.CANCELLED);
    this.#over = true;
    this.#stream.cancel();
  }

  #onHeaders(fields: ReadonlyMap<string, string>, isLast: boolean): void {
    const httpStatus = fields.get(':status');
    if (isLast && fields.has('grpc-status')) return this.#onStatus(fields);
    if (httpStatus === undefined || httpStatus.startsWith('1')) return;
    const type = fields.get('content-type') ?? 'nothing';
    if (httpStatus !== '200') this.#fail(status.UNAVAILABLE, `HTTP ${httpStatus}`);
    // For example the error page of a proxy.
    else if (!GRPC_TYPE.test(type))
      this.#fail(status.UNAVAILABLE, `not a gRPC server: it answered with ${type.slice(0, 100)}`);
  }

  #onStatus(fields: ReadonlyMap<string, string>): void {
    const code = statusOf(fields.get('grpc-status'));
    if (code === status.OK) return this.#end(code, undefined);
    const metadata = new Metadata();
    // Only this field: grpc-js prints others that it cannot parse.
    const details = fields.get(DETAILS);
    if (details !== undefined) metadata.set(DETAILS, Buffer.from(details, 'base64'));
    this.#fail(code, decoded(fields.get('grpc-message')), metadata);
  }

  #fail(code: status, details: string, metadata = new Metadata()): void {
    this.#end(code, fromServiceError(Object.assign(new Error(details), { code, details, metadata })));
  }

  #end(code: status, error: EnjambreError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#call.ended(code);
    this.#stream.cancel();
    this.#init.ended(error);
  }
}

function requestHeaders({
  connection,
  method,
}: Pick<StreamInit<never>, 'connection' | 'method'>): [name: string, value: string][] {
  return [
    [':method', 'POST'],
    [':scheme', connection.scheme],
    [':path', method.path],
    [':authority', connection.authority],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

function unreadable(cause: unknown): EnjambreError {
  return violation(`the peer sent ${messageOf(cause)}`, cause);
}

function violation(message: string, cause?: unknown): EnjambreError {
  return new EnjambreError('invalid', 'PROTOCOL_VIOLATION', message, { cause });
}

/** UNKNOWN for a number that gRPC does not define. */
function statusOf(header: string | undefined): status {
  const codes = Object.values(status).filter((value): value is status => typeof value === 'number');
  return codes.find((code) => String(code) === header) ?? status.UNKNOWN;
}

/** The decoded message; unchanged if it is badly encoded. */
function decoded(header: string | undefined): string {
  const text = header ?? '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
