import { EventEmitter } from 'node:events';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import {
  PeerServiceService,
  SyncResponse,
  type SyncRequest,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MessageReader } from '@enjambre/rpc/codec/message-reader';
import { Http2Connection } from '@enjambre/rpc/http2/connection';
import { FrameReader } from '@enjambre/rpc/http2/frame-reader';
import { ErrorCode, Flag, frame, FrameType, goawayFrame, Http2Violation } from '@enjambre/rpc/http2/frames';
import { rstStreamFrame, settingsFrame, windowUpdateFrame } from '@enjambre/rpc/http2/frames';
import { GrpcStream } from '@enjambre/rpc/http2/grpc-stream';
import { decodeHeaders, encodeHeaders } from '@enjambre/rpc/http2/hpack';
import { MadeCalls } from '@enjambre/rpc/made-calls';
import { Broken, mustEqual, type FuzzTarget } from '../target.js';

const MAX_MESSAGE_BYTES = 1 << 20;
const HEADERS = encodeHeaders([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const TRAILERS = encodeHeaders([
  ['grpc-status', '14'],
  ['grpc-message', 'going%20away'],
  ['grpc-status-details-bin', 'CA4SBGdvbmU'],
]);
const MESSAGE = SyncResponse.encode({ message: { $case: 'have', value: { pieces: [1, 2, 300] } } }).finish();
const BODY = Buffer.concat([Buffer.from([0, 0, 0, 0, MESSAGE.length]), MESSAGE]);

const { data, headers, continuation, ping, settings } = FrameType;
const FRAMES = {
  settings: settingsFrame([
    [3, 100],
    [4, 65_535],
  ]),
  ack: frame({ type: settings, flags: Flag.ack, stream: 0 }),
  headers: frame({ type: headers, flags: Flag.endHeaders, stream: 1 }, HEADERS),
  split: Buffer.concat([
    frame({ type: headers, flags: 0, stream: 1 }, HEADERS.subarray(0, 5)),
    frame({ type: continuation, flags: Flag.endHeaders, stream: 1 }, HEADERS.subarray(5)),
  ]),
  body: frame({ type: data, flags: 0, stream: 1 }, BODY),
  padded: frame(
    { type: data, flags: Flag.padded, stream: 1 },
    Buffer.concat([Buffer.from([3]), BODY, Buffer.alloc(3)]),
  ),
  trailers: frame({ type: headers, flags: Flag.endHeaders | Flag.endStream, stream: 1 }, TRAILERS),
  ping: frame({ type: ping, flags: 0, stream: 0 }, Buffer.alloc(8, 5)),
  window: windowUpdateFrame(0, 1000),
  streamWindow: windowUpdateFrame(1, 1000),
  reset: rstStreamFrame(1, ErrorCode.cancel),
  goaway: goawayFrame(ErrorCode.noError),
};
const { settings: first, headers: head, body, trailers } = FRAMES;
const SEEDS = [
  Buffer.concat([first, FRAMES.ack, head, body, body, trailers]),
  Buffer.concat([first, FRAMES.split, FRAMES.padded, FRAMES.ping, FRAMES.window, FRAMES.reset]),
  Buffer.concat([first, head, FRAMES.streamWindow, body, FRAMES.goaway]),
  Buffer.concat([first, head, body, frame({ type: data, flags: Flag.endStream, stream: 1 })]),
  Buffer.concat([first, trailers]),
];
const WORDS = [...Object.values(FRAMES), HEADERS, TRAILERS, BODY];

interface ReadFrame {
  readonly head: unknown;
  readonly bytes: string;
}

/** Whatever the chunks, the frames are the same. */
const frames: FuzzTarget = {
  name: 'http2-frames',
  seeds: SEEDS,
  words: WORDS,
  refuses: (error) => error instanceof Http2Violation,
  run: (input) => {
    const whole = readFrames([input]);
    const middle = input.length >> 1;
    mustEqual('frames in two chunks', readFrames([input.subarray(0, middle), input.subarray(middle)]), whole);
    const fault = whole.at(-1)?.head;
    if (fault instanceof Http2Violation) throw fault;
  },
};

function readFrames(chunks: readonly Buffer[]): ReadFrame[] {
  const read: ReadFrame[] = [];
  let parts: Buffer[] = [];
  const reader = new FrameReader({
    dataBegins: () => {
      parts = [];
    },
    data: (part) => {
      parts.push(Buffer.from(part));
    },
    dataEnded: (head, bytes) => {
      const body = Buffer.concat(parts);
      if (body.length !== bytes) throw new Broken(`${body.length} bytes of a body of ${bytes}`);
      read.push({ head, bytes: body.toString('latin1') });
    },
    frame: (head, payload) => {
      read.push({ head, bytes: payload.toString('latin1') });
    },
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
  } catch (error) {
    read.push({ head: error, bytes: '' });
  }
  return read;
}

/** What is read once is read again from its own encoding. */
const hpack: FuzzTarget = {
  name: 'hpack',
  seeds: [
    HEADERS,
    TRAILERS,
    Buffer.from('828684410f7777772e6578616d706c652e636f6d', 'hex'),
    Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex'),
    Buffer.from('488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad17', 'hex'),
  ],
  words: [Buffer.from('3fe11f', 'hex'), Buffer.from('ffffffffff0f', 'hex'), Buffer.from('20', 'hex')],
  refuses: (error) => error instanceof Http2Violation,
  run: (input) => {
    const fields = decodeHeaders(input);
    mustEqual('the fields of their own encoding', [...decodeHeaders(encodeHeaders(fields))], [...fields]);
  },
};

/** The end of a connection that no network is behind. */
class ScriptedSocket extends EventEmitter {
  writableLength = 0;
  isDestroyed = false;

  constructor(readonly options: TcpNetConnectOpts) {
    super();
  }

  write(): boolean {
    return true;
  }

  end(): this {
    return this;
  }

  destroy(): this {
    this.isDestroyed = true;
    return this;
  }

  /** Delivers bytes as a real socket with `onread` does. */
  receive(bytes: Buffer): void {
    const { onread } = this.options;
    if (!onread || !(onread.buffer instanceof Uint8Array)) throw new Broken('the connection reads otherwise');
    for (let at = 0; at < bytes.length; at += onread.buffer.length) {
      const part = bytes.subarray(at, at + onread.buffer.length);
      onread.buffer.set(part);
      if (!onread.callback(part.length, onread.buffer)) return;
    }
  }
}

/** A whole client with one open call: nothing escapes from it, and the call always ends with the connection. */
const connection: FuzzTarget = {
  name: 'http2-connection',
  seeds: SEEDS,
  words: WORDS,
  run: (input) => {
    const sockets: ScriptedSocket[] = [];
    const connect = (options: TcpNetConnectOpts): Socket => {
      const socket = new ScriptedSocket(options);
      sockets.push(socket);
      return socket as unknown as Socket;
    };
    const opened = new Http2Connection('127.0.0.1:1', 'agent', {
      connect,
      scheme: 'http',
      readyEvent: 'connect',
    });
    for (const socket of sockets) socket.emit('connect');
    let ends = 0;
    const call = new GrpcStream<SyncRequest>({
      connection: opened,
      calls: new MadeCalls(),
      method: PeerServiceService.sync,
      reader: new MessageReader({
        maxBytes: MAX_MESSAGE_BYTES,
        message: (bytes) => SyncResponse.decode(bytes),
      }),
      ended: () => (ends += 1),
    });
    const [socket] = sockets;
    socket?.receive(input.subarray(0, input.length >> 1));
    call.write({ message: { $case: 'have', value: { pieces: [1] } } });
    socket?.receive(input.subarray(input.length >> 1));
    socket?.emit('close');
    if (ends !== 1) throw new Broken(`the call ended ${ends} times`);
  },
};

export const HTTP2_TARGETS: readonly FuzzTarget[] = [frames, hpack, connection];
