import type { MadeCalls } from '../made-calls.js';
import type { MessageStream } from '../message-stream.js';
import type { Http2Connection } from './connection.js';
import { GrpcStream, type CallInit } from './grpc-stream.js';

/** Opens gRPC streams on one connection of our own HTTP/2 client. */
export class Http2Channel {
  readonly #connection: Http2Connection;
  readonly #calls: MadeCalls;

  constructor(connection: Http2Connection, calls: MadeCalls) {
    this.#connection = connection;
    this.#calls = calls;
  }

  /** False once it accepts no new streams. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  open<Request>(init: CallInit<Request>): MessageStream<Request> {
    return new GrpcStream({ connection: this.#connection, calls: this.#calls, ...init });
  }

  /** Accepts no new streams, and ends when the open ones have ended. */
  close(): void {
    this.#connection.close();
  }
}
