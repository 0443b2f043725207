import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Server, type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  PeerServiceService,
  type FetchRequest,
  type FetchResponse,
  type GetMetainfoRequest,
  type GetMetainfoResponse,
  type Request,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { FrameReader } from '@enjambre/rpc/http2/frame-reader';
import { FrameType, PREFACE } from '@enjambre/rpc/http2/frames';
import { tallyGoaway } from './answers.js';
import type { Tally } from './tally.js';

/** How an uploader of an attacker behaves. */
export interface HostileScript {
  readonly infohash: Buffer;
  readonly pieces: number;
  /** Answers a request for the metainfo. */
  metainfo(call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>): void;
  /** The bytes of a block; undefined for no answer. */
  block(request: Request): Buffer | undefined;
  /** Called with the socket of a downloader once both have greeted: may write frames of its own. */
  greeted?(socket: Socket): void;
}

/** Largest part of a metainfo in one message. */
const CHUNK = 256 << 10;

/** An uploader of the attacker that greets as an honest one does. */
export class HostilePeer {
  readonly #server = new Server({ 'grpc.max_send_message_length': -1 });
  readonly #sockets = new Set<Socket>();
  readonly #listener = createServer({ noDelay: true });

  private constructor(
    readonly identity: PeerIdentity,
    private readonly script: HostileScript,
    private readonly tally: Tally,
  ) {
    this.#server.addService(PeerServiceService, {
      getMetainfo: (call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>) => {
        tally.fact('metainfo requests');
        script.metainfo(call);
      },
      sync: (call: ServerDuplexStream<SyncRequest, SyncResponse>) => this.#sync(call),
      fetch: (call: ServerDuplexStream<FetchRequest, FetchResponse>) => this.#fetch(call),
    });
    const injector = this.#server.createConnectionInjector(DECRYPTED);
    this.#listener.on('connection', (socket) => {
      tally.fact('dials');
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(wrapped(socket));
      tallyAnswers(socket, tally);
    });
  }

  static async start(from: string, script: HostileScript, tally: Tally): Promise<HostilePeer> {
    const peer = new HostilePeer(PeerIdentity.generate(), script, tally);
    await new Promise<void>((resolve) => peer.#listener.listen(0, from, resolve));
    return peer;
  }

  get endpoint(): string {
    const { address, port } = this.#listener.address() as AddressInfo;
    return `${address}:${port}`;
  }

  #sync(call: ServerDuplexStream<SyncRequest, SyncResponse>): void {
    const { identity, script } = this;
    const say = (message: NonNullable<SyncResponse['message']>): void => void call.write({ message });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    const peerId = Buffer.from(identity.peerId, 'hex');
    say({ $case: 'challenge', value: { nonce: Buffer.alloc(32, 1), peerId } });
    call.on('data', ({ message }: SyncRequest) => {
      if (message?.$case === 'goodbye' && message.value.reason !== 'COMPLETE')
        this.tally.refused(`Goodbye ${message.value.reason}`);
      if (message?.$case !== 'bitfield') return;
      const hello = {
        ...{ infohash: script.infohash, peerId, name: 'mallory', version: 'hostile', labels: {} },
        ...{ publicKey: Buffer.alloc(0), signature: Buffer.alloc(0), takesParts: false },
        session: Buffer.alloc(16, 7),
      };
      say({ $case: 'hello', value: hello });
      say({ $case: 'bitfield', value: { bits: fullBits(script.pieces) } });
      this.tally.fact('greeted');
      for (const socket of this.#sockets) script.greeted?.(socket);
    });
  }

  #fetch(call: ServerDuplexStream<FetchRequest, FetchResponse>): void {
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', ({ message }: FetchRequest) => {
      if (message?.$case !== 'request') return;
      this.tally.fact('requests');
      const { id, piece, begin } = message.value;
      const data = this.script.block(message.value);
      if (data) call.write({ message: { $case: 'block', value: { id, piece, begin, data, left: 0 } } });
    });
  }
}

/** Sends the whole metainfo. */
export function sendMetainfo(
  call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>,
  bytes: Buffer,
): void {
  call.on('error', () => undefined);
  for (let at = 0; at < bytes.length; at += CHUNK)
    call.write({ totalLength: bytes.length, chunk: bytes.subarray(at, at + CHUNK) });
  call.end();
}

function fullBits(pieces: number): Buffer {
  const bits = Buffer.alloc(Math.ceil(pieces / 8), 0xff);
  const spare = 8 * bits.length - pieces;
  if (spare > 0) bits[bits.length - 1] = (0xff << spare) & 0xff;
  return bits;
}

/** Counts the GOAWAY frames of a client, which a server of grpc-js hides. */
function tallyAnswers(socket: Socket, tally: Tally): void {
  const ignore = (): void => undefined;
  const reader = new FrameReader({
    ...{ dataBegins: ignore, data: ignore, dataEnded: ignore },
    frame: ({ type }, payload) => {
      if (type === FrameType.goaway) tallyGoaway(payload, tally);
    },
  });
  let skipped = 0;
  socket.on('data', (chunk: Buffer) => {
    const from = Math.min(chunk.length, PREFACE.length - skipped);
    skipped += from;
    try {
      reader.push(chunk.subarray(from));
    } catch {
      tally.ended('unreadable');
    }
  });
}

/** Passes whole frames through, so that a script may write frames of its own between them. */
function wrapped(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk) => {
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.on('end', () => duplex.push(null));
  socket.on('close', () => duplex.destroy());
  socket.on('error', () => duplex.destroy());
  return duplex;
}
