import {
  Server,
  status,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { EnjambreError } from '@enjambre/core/error';
import { toServiceError } from '@enjambre/rpc/status';
import { verifyHello } from '@enjambre/common/identity/identity';
import { newer } from '@enjambre/harness/newer';
import {
  MessagingServiceService,
  type ReceiveRequest,
  type ReceiveResponse,
  type ReceiverHello,
  type SendRequest,
  type SendResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { peerNamed } from './ids.js';

const NONCE = Buffer.alloc(32, 3);

interface Written {
  readonly text: string;
  readonly senderId: string;
  readonly senderName: string;
}

/** One session of an agent, as the messaging service sees it. */
export class RelayVisit {
  hello: ReceiverHello | undefined;
  /** The agent's peer id, if its hello was signed correctly. */
  peerId: string | undefined;
  readonly acknowledged: bigint[] = [];

  constructor(readonly call: ServerDuplexStream<ReceiveRequest, ReceiveResponse>) {}

  deliver(
    deliveryId: bigint,
    id: string,
    { text = `text of ${id}`, ...sender }: Partial<Written> = {},
  ): void {
    const message = {
      id,
      senderId: peerNamed('alice'),
      senderName: 'alice',
      ...sender,
      target: { target: { $case: 'everyone' as const, value: true } },
      targetName: 'everyone',
      text,
      sentAt: new Date(1000),
    };
    this.call.write({ message: { $case: 'delivery', value: { deliveryId, message } } });
  }
}

/** A scripted messaging service: greets, and delivers what the test sends. */
export class ScriptedRelay {
  readonly visits: RelayVisit[] = [];
  readonly sent: SendRequest[] = [];
  /** Calls of Send, also those that were refused. */
  sends = 0;
  readonly joined: string[] = [];
  /** The receiver in answers to Send. */
  receiver: Partial<SendResponse> = {};
  /** All later calls fail with this error. */
  refusal: { code: status; details: string; reason?: string } | EnjambreError | undefined;
  /** All later sessions fail with this error. */
  sessionRefusal: EnjambreError | undefined;
  #server = new Server();
  #port = 0;

  /** @param isNewer its messages have unknown fields, and unknown messages precede them */
  constructor(private readonly isNewer = false) {}

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get last(): RelayVisit | undefined {
    return this.visits.at(-1);
  }

  /** Listens; on the same port again after {@link kill}. */
  async start(): Promise<this> {
    this.#server = new Server();
    this.#server.addService(this.isNewer ? newer(MessagingServiceService) : MessagingServiceService, {
      receive: (call: ServerDuplexStream<ReceiveRequest, ReceiveResponse>) => this.#receive(call),
      send: (call: ServerUnaryCall<SendRequest, SendResponse>, callback: sendUnaryData<SendResponse>) => {
        const token = call.metadata.get('authorization')[0];
        const { refusal } = this;
        this.sends += 1;
        if (refusal instanceof EnjambreError) return callback(toServiceError(refusal, 'enjambre'));
        if (refusal?.reason !== undefined)
          return callback(
            toServiceError(new EnjambreError('not-found', refusal.reason, refusal.details), 'enjambre'),
          );
        if (refusal) return callback({ ...refusal });
        if (token !== `Bearer token-${this.visits.length}`)
          return callback({ code: status.UNAUTHENTICATED, details: 'another session' });
        this.sent.push(call.request);
        const duplicate = this.sent.length > 1;
        const receipt = { sentAt: new Date(2000), duplicate, receiverCount: 1, skippedCount: 0 };
        callback(null, { ...receipt, receiverId: '', receiverName: '', namesakeCount: 0, ...this.receiver });
      },
      joinRoom: (call: ServerUnaryCall<{ room: string }, unknown>, callback: sendUnaryData<unknown>) => {
        this.joined.push(call.request.room);
        callback(null, { room: { name: call.request.room, memberNames: ['agent'], members: [] } });
      },
      // Behaves like a service that has lost the room, or has already done this in an earlier attempt.
      leaveRoom: (_: ServerUnaryCall<{ room: string }, unknown>, callback: sendUnaryData<unknown>) => {
        callback(toServiceError(new EnjambreError('not-found', 'NOT_A_MEMBER', 'no member'), 'enjambre'));
      },
    });
    this.#port = await new Promise((resolve, reject) => {
      this.#server.bindAsync(this.address, DECRYPTED, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return this;
  }

  kill(): void {
    this.#server.forceShutdown();
  }

  #receive(call: ServerDuplexStream<ReceiveRequest, ReceiveResponse>): void {
    const visit = new RelayVisit(call);
    this.visits.push(visit);
    call.on('error', () => undefined);
    if (this.isNewer) call.write({ message: undefined });
    call.on('end', () => call.end());
    call.on('data', ({ message }: ReceiveRequest) => {
      if (message?.$case === 'ack') visit.acknowledged.push(...message.value.deliveryIds);
      if (message?.$case !== 'hello') return;
      visit.hello = message.value;
      if (this.sessionRefusal)
        return void call.emit('error', toServiceError(this.sessionRefusal, 'enjambre.messaging'));
      visit.peerId = verifyHello('messaging', NONCE, message.value.publicKey, message.value.signature);
      if (this.isNewer) call.write({ message: undefined });
      call.write({ message: { $case: 'token', value: `token-${this.visits.length}` } });
    });
    call.write({ message: { $case: 'challenge', value: NONCE } });
  }
}
