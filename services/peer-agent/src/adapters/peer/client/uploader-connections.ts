import { apart } from '@enjambre/common/tracing/tracing';
import { FetchReader } from '@enjambre/rpc/codec/fetch-reader';
import {
  PeerServiceClient,
  PeerServiceService,
  type FetchRequest,
  type FetchResponse,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MessageReader } from '@enjambre/rpc/codec/message-reader';
import type { Expected } from '@enjambre/rpc/credentials';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { Http2Channel } from '@enjambre/rpc/http2/channel';
import { MAX_MESSAGE_BYTES } from '../wire-constants.js';
import type { DialTarget } from './dial-gate.js';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';

/**
 * The connections to one uploader: one for small messages, which would otherwise queue behind blocks, and one for
 * blocks. Either is opened with its first stream, and reopened if it broke. Calls have a client of their own, on grpc-js.
 */
export class UploaderConnections {
  #small: Http2Channel | undefined;
  #bulk: Http2Channel | undefined;
  #calls: PeerServiceClient | undefined;

  /**
   * @param to HOST:PORT, and the peer that must answer there
   * @param memoryFor allocates memory for the bytes of a block
   */
  constructor(
    private readonly dialer: Dialer,
    private readonly to: DialTarget,
    private readonly memoryFor: (bytes: number) => Buffer,
  ) {}

  /** It connects with its first call. */
  get calls(): PeerServiceClient {
    return (this.#calls ??= apart(() =>
      this.dialer.client(PeerServiceClient, this.to.endpoint, this.#expected, {
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      }),
    ));
  }

  openSync({ message, ended }: StreamListener<SyncResponse>): MessageStream<SyncRequest> {
    if (!this.#small?.isOpen) this.#small = this.#connect();
    const method = PeerServiceService.sync;
    const reader = new MessageReader({
      maxBytes: MAX_MESSAGE_BYTES,
      message: (bytes) => {
        message(method.responseDeserialize(bytes));
      },
    });
    return this.#small.open({ method, reader, ended });
  }

  openFetch({ message, ended }: StreamListener<FetchResponse>): MessageStream<FetchRequest> {
    if (!this.#bulk?.isOpen) this.#bulk = this.#connect();
    const { memoryFor } = this;
    const reader = new FetchReader({ maxBytes: MAX_MESSAGE_BYTES, memoryFor, message });
    return this.#bulk.open({ method: PeerServiceService.fetch, reader, ended });
  }

  get #expected(): Expected {
    return { peerId: this.to.peerId };
  }

  /** Not part of any trace: streams of several traces share the connection. */
  #connect(): Http2Channel {
    return apart(() => this.dialer.channel(this.to.endpoint, this.#expected));
  }

  /** The connections close once their streams and calls have ended. */
  close(): void {
    this.#small?.close();
    this.#bulk?.close();
    this.#calls?.close();
  }
}
