import { Flag, frame, FrameType, MAX_PAYLOAD_BYTES } from '@enjambre/rpc/http2/frames';
import { GRPC_PREFIX_BYTES, putGrpcPrefix } from '@enjambre/rpc/codec/grpc-prefix';

/** What a call needs of its connection. */
export interface CallConnection {
  write(bytes: Buffer): boolean;
  takeWindow(bytes: number): number;
  reset(stream: number, code: number): void;
}

const CANCEL = 8;

/** One stream of an attacker. */
export class RawCall {
  /** Called with each message. */
  onMessage: (message: Buffer) => void = () => undefined;
  /** Called once at the end of the stream, for any reason. */
  onEnd: () => void = () => undefined;
  #received = Buffer.alloc(0);
  readonly #unsent: Buffer[] = [];
  #ends = false;
  #isOver = false;

  constructor(
    readonly stream: number,
    private window: number,
    private readonly connection: CallConnection,
  ) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that wait for the windows of the server. */
  get unsentBytes(): number {
    return this.#unsent.reduce((sum, { length }) => sum + length, 0);
  }

  /** Sends an encoded message. */
  send(message: Uint8Array, compressed = false): this {
    const framed = Buffer.alloc(GRPC_PREFIX_BYTES + message.length);
    putGrpcPrefix(framed, message.length);
    if (compressed) framed[0] = 1;
    framed.set(message, GRPC_PREFIX_BYTES);
    this.#unsent.push(framed);
    this.flush();
    return this;
  }

  /** Ends its own side after what was sent. */
  end(): this {
    this.#ends = true;
    this.flush();
    return this;
  }

  cancel(): void {
    if (!this.#isOver) this.connection.reset(this.stream, CANCEL);
  }

  widen(bytes: number): void {
    this.window += bytes;
    this.flush();
  }

  flush(): void {
    while (this.#unsent.length > 0 && !this.#isOver) {
      const next = this.#unsent[0] ?? Buffer.alloc(0);
      const most = Math.min(next.length, this.window, MAX_PAYLOAD_BYTES);
      const allowed = this.connection.takeWindow(Math.max(0, most));
      if (allowed === 0) return;
      this.window -= allowed;
      if (allowed === next.length) this.#unsent.shift();
      else this.#unsent[0] = next.subarray(allowed);
      const flags = this.#ends && this.#unsent.length === 0 ? Flag.endStream : 0;
      this.connection.write(
        frame({ type: FrameType.data, flags, stream: this.stream }, next.subarray(0, allowed)),
      );
      if (flags) this.#ends = false;
    }
    if (!this.#ends || this.#isOver || this.#unsent.length > 0) return;
    this.#ends = false;
    this.connection.write(frame({ type: FrameType.data, flags: Flag.endStream, stream: this.stream }));
  }

  receive(part: Buffer): void {
    this.#received = Buffer.concat([this.#received, part]);
    while (this.#received.length >= GRPC_PREFIX_BYTES) {
      const end = GRPC_PREFIX_BYTES + this.#received.readUInt32BE(1);
      if (this.#received.length < end) return;
      const message = this.#received.subarray(GRPC_PREFIX_BYTES, end);
      this.#received = this.#received.subarray(end);
      this.onMessage(message);
    }
  }

  over(): void {
    this.#isOver = true;
    this.onEnd();
  }
}
