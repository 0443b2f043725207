import type { ClientDuplexStream } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { serverKeyOf } from '@enjambre/rpc/server-key';
import { fromServiceError } from '@enjambre/rpc/status';
import { signedHello } from '@enjambre/common/identity/hello';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  ReceiverHello,
  type Delivery,
  type MessagingServiceClient,
  type ReceiveRequest,
  type ReceiveResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

export interface RelaySessionListener {
  /** The session is open; `token` authorizes unary calls while it is. */
  welcome(token: string): void;
  /** Version of the messaging service; older versions do not send it. */
  relay(version: string): void;
  delivery(delivery: Delivery): void;
  closed(error: EnjambreError): void;
}

export interface RelaySessionInit {
  readonly identity: PeerIdentity;
  readonly name: string;
  readonly version: string;
  /** Id of the last delivery received; 0 if there was none. */
  readonly cursor: bigint;
}

const WELCOME_TIMEOUT_MS = 10_000;

/** One Receive stream, from the challenge to its end. */
export class RelaySession {
  readonly #call: ClientDuplexStream<ReceiveRequest, ReceiveResponse>;
  readonly #timer: NodeJS.Timeout;
  #over = false;

  constructor(
    client: MessagingServiceClient,
    private readonly init: RelaySessionInit,
    private readonly listener: RelaySessionListener,
  ) {
    this.#call = client.receive();
    this.#timer = setTimeout(() => {
      this.#end(new EnjambreError('timeout', 'NO_WELCOME', 'the messaging service did not answer in time'));
    }, WELCOME_TIMEOUT_MS);
    this.#call.on('data', (message: ReceiveResponse) => {
      this.#onMessage(message);
    });
    this.#call.on('error', (error) => {
      this.#end(fromServiceError(error));
    });
    this.#call.on('end', () => {
      this.#end(new EnjambreError('unavailable', 'STREAM_ENDED', 'the messaging service ended the session'));
    });
  }

  acknowledge(deliveryIds: readonly bigint[]): void {
    if (!this.#over)
      this.#call.write({ message: { $case: 'ack', value: { deliveryIds: [...deliveryIds] } } });
  }

  /** Ends the session cleanly; `closed` is not called. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#call.end();
  }

  /** Ends the session with an error; `closed` is called. */
  abandon(error: EnjambreError): void {
    this.#end(error);
  }

  #onMessage({ message }: ReceiveResponse): void {
    if (this.#over) return;
    switch (message?.$case) {
      case 'challenge':
        return this.#hello(message.value);
      case 'token':
        clearTimeout(this.#timer);
        return this.listener.welcome(message.value);
      case 'delivery':
        return this.listener.delivery(message.value);
      case 'relay':
        return this.listener.relay(message.value.version);
      case undefined:
        return; // A message from a later version.
    }
  }

  #hello(nonce: Uint8Array): void {
    const { identity, name, version, cursor } = this.init;
    const hello: ReceiverHello = {
      publicKey: identity.publicKey,
      signature: Buffer.alloc(0),
      name,
      version,
      afterDeliveryId: cursor,
    };
    const terms = { nonce, serverKey: serverKeyOf(this.#call) };
    const value = signedHello(hello, ReceiverHello, { context: 'messaging', signer: identity, terms });
    this.#call.write({ message: { $case: 'hello', value } });
  }

  #end(error: EnjambreError): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#call.cancel();
    this.listener.closed(error);
  }
}
