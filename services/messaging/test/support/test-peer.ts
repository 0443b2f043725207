import { fromServiceError } from '@enjambre/rpc/status';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { waitForChange } from '@enjambre/harness/wait-for';
import type { EnjambreError } from '@enjambre/core/error';
import {
  MessagingServiceService,
  type Delivery,
  type MessagingServiceClient,
  type ReceiveRequest,
  type ReceiveResponse,
  type ReceiverHello,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Metadata, type ClientDuplexStream } from '@grpc/grpc-js';

export interface PeerOptions {
  /** Its identity. @default a new one */
  readonly identity?: PeerIdentity;
  /** True if it acknowledges deliveries. @default true */
  readonly acknowledges?: boolean;
  /** Its version of the service. @default this version */
  readonly service?: MessagingServiceService;
}

/** A scripted peer: sends the given messages and keeps those that it receives. */
export class TestPeer {
  readonly identity: PeerIdentity;
  readonly call: ClientDuplexStream<ReceiveRequest | Buffer, ReceiveResponse>;
  readonly deliveries: Delivery[] = [];
  challenge: Uint8Array | undefined;
  token = '';
  /** The service's version, once received. */
  serviceVersion: string | undefined;
  /** Set when the stream has ended: with an error, or undefined for OK. */
  ended: { readonly error?: EnjambreError } | undefined;
  #wake: (() => void)[] = [];

  constructor(
    readonly client: MessagingServiceClient,
    {
      identity = PeerIdentity.generate(),
      acknowledges = true,
      service = MessagingServiceService,
    }: PeerOptions = {},
  ) {
    this.identity = identity;
    const { path, responseDeserialize, requestSerialize } = service.receive;
    const serialize = (message: ReceiveRequest | Buffer): Buffer =>
      Buffer.isBuffer(message) ? message : requestSerialize(message);
    this.call = client.makeBidiStreamRequest(path, serialize, responseDeserialize);
    this.call.on('data', ({ message }: ReceiveResponse) => {
      if (message?.$case === 'challenge') this.challenge = message.value;
      else if (message?.$case === 'token') this.token = message.value;
      else if (message?.$case === 'relay') this.serviceVersion = message.value.version;
      else if (message?.$case === 'delivery') {
        this.deliveries.push(message.value);
        if (acknowledges) this.acknowledge(message.value.deliveryId);
      }
      this.#notify();
    });
    this.call.on('error', (error) => this.#end({ error: fromServiceError(error) }));
    this.call.on('status', () => this.#end({}));
  }

  get peerId(): string {
    return this.identity.peerId;
  }

  get metadata(): Metadata {
    const metadata = new Metadata();
    if (this.token !== '') metadata.set('authorization', `Bearer ${this.token}`);
    return metadata;
  }

  get texts(): string[] {
    return this.deliveries.map(({ message }) => message!.text);
  }

  /** Sends raw bytes as a frame. */
  sayBytes(frame: Buffer): void {
    this.call.write(frame);
  }

  say(message: ReceiveRequest['message']): void {
    this.call.write({ message });
  }

  acknowledge(...deliveryIds: bigint[]): void {
    this.say({ $case: 'ack', value: { deliveryIds } });
  }

  async hello(hello: Partial<ReceiverHello> = {}): Promise<void> {
    const nonce = await this.when(() => this.challenge);
    const value: ReceiverHello = {
      publicKey: this.identity.publicKey,
      signature: this.identity.signHello('messaging', nonce),
      name: 'peer',
      afterDeliveryId: 0n,
      version: '0.1.0',
      ...hello,
    };
    this.say({ $case: 'hello', value });
  }

  async greet(hello: Partial<ReceiverHello> = {}): Promise<void> {
    await this.hello(hello);
    await this.when(() => this.token || undefined);
  }

  /** Resolves with all deliveries once there are `count` of them. */
  async received(count: number): Promise<Delivery[]> {
    return this.when(() => (this.deliveries.length >= count ? this.deliveries : undefined));
  }

  /** The error that ended the stream; undefined for OK. */
  async end(): Promise<EnjambreError | undefined> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.ended) resolve(this.ended.error);
        else this.#wake.push(look);
      };
      look();
    });
  }

  /** Resolves when `condition` returns a value. Throws the stream's error if it ends before. */
  async when<T>(condition: () => T | undefined): Promise<T> {
    const unlessEnded = (): T | undefined => {
      const result = condition();
      if (result === undefined && this.ended) throw this.ended.error ?? new Error('the stream has ended');
      return result;
    };
    const seen = (): unknown => ({ token: this.token, deliveries: this.deliveries });
    return waitForChange(unlessEnded, () => new Promise((resolve) => this.#wake.push(resolve)), {
      what: String(condition),
      seen,
    });
  }

  #end(how: { error?: EnjambreError }): void {
    this.ended ??= how;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
