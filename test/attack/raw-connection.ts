import { connect, type Socket } from 'node:net';
import { FrameReader } from '@enjambre/rpc/http2/frame-reader';
import {
  Flag,
  frame,
  FrameType,
  PREFACE,
  rstStreamFrame,
  Setting,
  settingsFrame,
  windowUpdateFrame,
  type FrameHead,
} from '@enjambre/rpc/http2/frames';
import { decodeHeaders, encodeHeaders } from '@enjambre/rpc/http2/hpack';
import { http2Error, tallyGoaway, tallyStatus } from './answers.js';
import { RawCall } from './raw-call.js';
import type { Tally } from './tally.js';

const LARGE_WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;

export interface RawConnectionInit {
  /** "HOST:PORT" of the victim. */
  readonly address: string;
  /** Local address of the attacker, such as 127.6.6.1. */
  readonly from: string;
  readonly tally: Tally;
  /** Initial window of each stream: 0 never reads. @default 2^31 - 1 */
  readonly window?: number;
  /** False sends neither preface nor settings. @default true */
  readonly greets?: boolean;
}

/** An HTTP/2 client that obeys no limit of the server, except the windows of flow control. */
export class RawConnection {
  readonly calls = new Map<number, RawCall>();
  #nextStream = 1;
  #sendWindow = DEFAULT_WINDOW;
  #streamWindow = DEFAULT_WINDOW;
  /** The call of the DATA frame that is being read. */
  #reading: RawCall | undefined;
  #open = true;
  /** Called once when the socket is closed. */
  onClose: () => void = () => undefined;

  private constructor(
    readonly socket: Socket,
    private readonly init: RawConnectionInit,
  ) {
    const reader = new FrameReader({
      dataBegins: ({ stream }) => void (this.#reading = this.calls.get(stream)),
      data: (part) => this.#reading?.receive(part),
      dataEnded: (head) => {
        if (head.flags & Flag.endStream) this.#endStream(head.stream);
      },
      frame: (head, payload) => this.#take(head, payload),
    });
    socket.on('data', (bytes: Buffer) => {
      try {
        reader.push(bytes);
      } catch (error) {
        init.tally.ended(`unreadable: ${String(error)}`.slice(0, 60));
        socket.destroy();
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => init.tally.ended(error.code ?? error.message));
    socket.on('close', () => this.#closed());
  }

  /** Resolves when connected; rejects if the victim does not accept it. */
  static open(init: RawConnectionInit): Promise<RawConnection> {
    const at = init.address.lastIndexOf(':');
    const [host, port] = [init.address.slice(0, at), Number(init.address.slice(at + 1))];
    const socket = connect({ host, port, localAddress: init.from, noDelay: true });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        const connection = new RawConnection(socket, init);
        init.tally.hold('connections');
        if (init.greets ?? true) connection.#greet();
        resolve(connection);
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends bytes as they are. Returns false while the socket's buffer is full. */
  write(bytes: Buffer): boolean {
    return this.#open && this.socket.write(bytes);
  }

  /** Opens a stream for a method, such as "/enjambre.peer.v1.PeerService/Sync". */
  call(path: string, fields: readonly (readonly [string, string])[] = []): RawCall {
    const call = new RawCall(this.#nextStream, this.#streamWindow, this);
    this.#nextStream += 2;
    this.calls.set(call.stream, call);
    this.init.tally.hold('streams');
    const head = { type: FrameType.headers, flags: Flag.endHeaders, stream: call.stream };
    const headers = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', this.init.address],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ...fields,
    ] as [string, string][];
    this.write(frame(head, encodeHeaders(headers)));
    return call;
  }

  /** Takes up to `bytes` from the window of the connection. */
  takeWindow(bytes: number): number {
    const taken = Math.min(bytes, this.#sendWindow);
    this.#sendWindow -= taken;
    return taken;
  }

  reset(stream: number, code: number): void {
    this.write(rstStreamFrame(stream, code));
    this.#endStream(stream);
  }

  close(): void {
    this.socket.destroy();
  }

  #greet(): void {
    this.write(PREFACE);
    this.write(
      settingsFrame([
        [Setting.headerTableSize, 0],
        [Setting.enablePush, 0],
        [Setting.initialWindowSize, this.init.window ?? LARGE_WINDOW],
      ]),
    );
    this.write(windowUpdateFrame(0, LARGE_WINDOW - DEFAULT_WINDOW));
  }

  #take(head: FrameHead, payload: Buffer): void {
    const { type, flags, stream } = head;
    if (type === FrameType.headers) {
      const fields = decodeHeaders(Buffer.from(payload));
      if (fields.has('grpc-status')) tallyStatus(fields, this.init.tally);
      if (flags & Flag.endStream) this.#endStream(stream);
    } else if (type === FrameType.rstStream) {
      if (this.calls.has(stream)) this.init.tally.ended(`RST ${http2Error(payload.readUInt32BE(0))}`);
      this.#endStream(stream);
    } else if (type === FrameType.goaway) tallyGoaway(payload, this.init.tally);
    else if (type === FrameType.settings && !(flags & Flag.ack)) this.#settings(payload);
    else if (type === FrameType.ping && !(flags & Flag.ack))
      this.write(frame({ type, flags: Flag.ack, stream: 0 }, payload));
    else if (type === FrameType.windowUpdate) this.#widen(stream, payload.readUInt32BE(0));
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6)
      if (payload.readUInt16BE(at) === Setting.initialWindowSize)
        this.#streamWindow = payload.readUInt32BE(at + 2);
    this.write(frame({ type: FrameType.settings, flags: Flag.ack, stream: 0 }));
  }

  #widen(stream: number, bytes: number): void {
    if (stream !== 0) return this.calls.get(stream)?.widen(bytes);
    this.#sendWindow += bytes;
    for (const call of this.calls.values()) if (this.#sendWindow > 0) call.flush();
  }

  #endStream(stream: number): void {
    const call = this.calls.get(stream);
    if (!call) return;
    this.calls.delete(stream);
    this.init.tally.release('streams');
    call.over();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.init.tally.release('connections');
    for (const stream of [...this.calls.keys()]) this.#endStream(stream);
    this.onClose();
  }
}
