import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  MessagingServiceClient,
  type ReceiveRequest,
  type ReceiveResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Metadata, type ClientDuplexStream } from '@grpc/grpc-js';

/** A peer that sends messages, and acknowledges received ones at once. */
export class MessagingPeer {
  readonly identity = PeerIdentity.generate();
  readonly #client: MessagingServiceClient;
  readonly #stream: ClientDuplexStream<ReceiveRequest, ReceiveResponse>;
  readonly #metadata = new Metadata();

  private constructor(
    address: string,
    private readonly onMessage: (id: string) => void,
  ) {
    this.#client = dialer.client(MessagingServiceClient, address, 'messaging', {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#stream = this.#client.receive();
  }

  /** Resolves when it may send. */
  static async open(address: string, onMessage: (id: string) => void): Promise<MessagingPeer> {
    const peer = new MessagingPeer(address, onMessage);
    await new Promise<void>((resolve, reject) => {
      peer.#stream.on('data', ({ message }: ReceiveResponse) => peer.#hear(message, resolve));
      peer.#stream.on('error', reject);
    });
    return peer;
  }

  async send(id: string, to: MessagingPeer, text: string): Promise<void> {
    const target = { target: { $case: 'peer', value: to.identity.peerId } } as const;
    const send = this.#client.send.bind(this.#client);
    await callUnary(send, { id, target, text }, { metadata: this.#metadata });
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #hear(message: ReceiveResponse['message'], onToken: () => void): void {
    switch (message?.$case) {
      case 'challenge': {
        const { publicKey } = this.identity;
        const signature = this.identity.signHello('messaging', message.value);
        const value = { publicKey, signature, name: 'bench', afterDeliveryId: 0n, version: 'bench' };
        this.#stream.write({ message: { $case: 'hello', value } });
        return;
      }
      case 'token':
        this.#metadata.set('authorization', `Bearer ${message.value}`);
        onToken();
        return;
      case 'delivery':
        this.#stream.write({
          message: { $case: 'ack', value: { deliveryIds: [message.value.deliveryId] } },
        });
        this.onMessage(message.value.message?.id ?? '');
        return;
      case 'relay':
      case undefined:
    }
  }
}
