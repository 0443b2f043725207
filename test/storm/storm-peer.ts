import { setTimeout as delay } from 'node:timers/promises';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { fromServiceError } from '@enjambre/rpc/status';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  MessagingServiceClient,
  type Delivery,
  type ReceiveRequest,
  type ReceiveResponse,
  type SendRequest,
  type SendResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Metadata, type ClientDuplexStream } from '@grpc/grpc-js';

type ReceiveStream = ClientDuplexStream<ReceiveRequest, ReceiveResponse>;

const RETRY_MS = 50;
const SEND_TIMEOUT_MS = 5000;

/** A peer that survives every failure of its messaging service: it reconnects, and resends unacknowledged messages. */
export class StormPeer {
  readonly identity = PeerIdentity.generate();
  /** Stored messages, in order of arrival. */
  readonly kept: Delivery[] = [];
  /** Failed calls of Send. */
  retries = 0;
  /** Streams that ended unexpectedly. */
  interruptions = 0;
  readonly #client: MessagingServiceClient;
  #cursor = 0n;
  #token: string | undefined;
  #stream: ReceiveStream | undefined;
  #stopped = false;

  constructor(
    readonly name: string,
    address: string,
  ) {
    this.#client = dialer.client(MessagingServiceClient, address, 'messaging', {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_reconnect_backoff_ms': 200,
    });
    void this.#receive();
  }

  get isConnected(): boolean {
    return this.#token !== undefined;
  }

  /** Sends a message, and retries until it succeeds. */
  async send(request: SendRequest): Promise<SendResponse> {
    return this.#insist((metadata, timeoutMs) =>
      callUnary(this.#client.send.bind(this.#client), request, { metadata, timeoutMs }),
    );
  }

  async join(room: string): Promise<void> {
    await this.#insist((metadata, timeoutMs) =>
      callUnary(this.#client.joinRoom.bind(this.#client), { room }, { metadata, timeoutMs }),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.cancel();
    this.#client.close();
  }

  async #insist<T>(call: (metadata: Metadata, timeoutMs: number) => Promise<T>): Promise<T> {
    while (!this.#stopped) {
      try {
        const metadata = new Metadata();
        metadata.set('authorization', `Bearer ${this.#token ?? ''}`);
        return await call(metadata, SEND_TIMEOUT_MS);
      } catch (error) {
        const { code, reason, message } = fromServiceError(error);
        if (!['unavailable', 'unauthenticated', 'timeout', 'cancelled'].includes(code))
          throw new Error(`${this.name}: ${reason}: ${message}`, { cause: error });
        this.retries += 1;
        await delay(RETRY_MS);
      }
    }
    throw new Error('stopped');
  }

  async #receive(): Promise<void> {
    while (!this.#stopped) {
      await this.#oneStream();
      this.#token = undefined;
      this.interruptions += 1;
      await delay(RETRY_MS);
    }
  }

  #oneStream(): Promise<void> {
    return new Promise((resolve) => {
      const stream = this.#client.receive();
      this.#stream = stream;
      stream.on('data', ({ message }: ReceiveResponse) => this.#hear(stream, message));
      stream.on('error', () => undefined);
      stream.on('status', () => resolve());
    });
  }

  #hear(stream: ReceiveStream, message: ReceiveResponse['message']): void {
    switch (message?.$case) {
      case 'challenge': {
        const value = {
          publicKey: this.identity.publicKey,
          signature: this.identity.signHello('messaging', message.value),
          name: this.name,
          afterDeliveryId: this.#cursor,
          version: 'storm',
        };
        stream.write({ message: { $case: 'hello', value } });
        return;
      }
      case 'token':
        this.#token = message.value;
        return;
      case 'delivery':
        this.kept.push(message.value);
        this.#cursor = message.value.deliveryId;
        stream.write({ message: { $case: 'ack', value: { deliveryIds: [this.#cursor] } } });
        return;
      case 'relay':
      case undefined:
    }
  }
}
