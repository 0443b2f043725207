import { Server, type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { newer } from '@enjambre/harness/newer';
import { Bitfield } from '@enjambre/core/bitfield';
import { infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import {
  PeerServiceService,
  type Block,
  type FetchRequest,
  type FetchResponse,
  type GetMetainfoRequest,
  type GetMetainfoResponse,
  type Hello,
  type Request,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import { peerNamed } from './ids.js';

type SyncAnswer = NonNullable<SyncResponse['message']>;
type FetchAnswer = NonNullable<FetchResponse['message']>;

/** The streams of one downloader, on which a script sends messages. */
export interface Victim {
  readonly sync: ServerDuplexStream<SyncRequest, SyncResponse>;
  readonly fetch: ServerDuplexStream<FetchRequest, FetchResponse> | undefined;
  say(...messages: SyncAnswer[]): void;
  answer(...messages: FetchAnswer[]): void;
}

/** Deviations of an uploader from an honest one. */
export interface Script {
  /** @default the correct peer id, infohash and name */
  readonly hello?: Partial<Hello>;
  /** Its messages have fields unknown to this version. @default false */
  readonly newer?: boolean;
  /** Replaces the challenge. */
  challenge?(victim: Victim): void;
  /** Replaces hello and bitfield. */
  greet?(victim: Victim): void;
  /** Called after the hellos of both sides. */
  ready?(victim: Victim): void;
  /** Replaces the block. */
  request?(request: Request, victim: Victim): void;
  /** Replaces the metainfo. */
  metainfo?(call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>): void;
}

/** An uploader on a raw generated server: honest except for its script. */
export class HostileUploader {
  readonly layout: PieceLayout;
  /** Number of downloader visits. */
  visits = 0;
  /** Requests that it received. */
  requests = 0;
  readonly #server = new Server();
  readonly #fetches = new Set<ServerDuplexStream<FetchRequest, FetchResponse>>();
  /** Answers for a Fetch stream that has not been opened yet. */
  readonly #unsaid: FetchAnswer[] = [];
  #port = 0;

  private constructor(
    readonly name: string,
    readonly content: { readonly metainfo: Metainfo; readonly data: Buffer },
    private readonly script: Script,
    private readonly host: string,
  ) {
    this.layout = new PieceLayout(content.metainfo);
    this.#server.addService(script.newer ? newer(PeerServiceService) : PeerServiceService, {
      getMetainfo: (call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>) =>
        this.#getMetainfo(call),
      sync: (call: ServerDuplexStream<SyncRequest, SyncResponse>) => this.#sync(call),
      fetch: (call: ServerDuplexStream<FetchRequest, FetchResponse>) => this.#fetch(call),
    });
  }

  static async start(
    name: string,
    content: { readonly metainfo: Metainfo; readonly data: Buffer },
    script: Script = {},
    host = '127.0.0.1',
  ): Promise<HostileUploader> {
    const uploader = new HostileUploader(name, content, script, host);
    uploader.#port = await new Promise((resolve, reject) => {
      uploader.#server.bindAsync(`${host}:0`, DECRYPTED, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return uploader;
  }

  get address(): PeerAddress {
    const endpoint = `${this.host}:${this.#port}`;
    return { peerId: peerNamed(this.name), name: this.name, endpoint, seeder: true };
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  hello(wrong: Partial<Hello> = {}): SyncAnswer {
    const value = {
      infohash: infoHashToBytes(this.content.metainfo.infohash),
      peerId: peerIdToBytes(peerNamed(this.name)),
      name: this.name,
      version: 'test',
      publicKey: Buffer.alloc(0),
      signature: Buffer.alloc(0),
      session: Buffer.alloc(16, 7),
      takesParts: false,
      labels: {},
    };
    return { $case: 'hello', value: { ...value, ...this.script.hello, ...wrong } };
  }

  challenge(of = this.name): SyncAnswer {
    return {
      $case: 'challenge',
      value: { nonce: Buffer.alloc(32, 1), peerId: peerIdToBytes(peerNamed(of)) },
    };
  }

  bitfield(): SyncAnswer {
    return { $case: 'bitfield', value: { bits: Bitfield.full(this.layout.pieceCount).toBytes() } };
  }

  /** The correct answer to a request, with optional faults. */
  block(
    { id, piece, begin, length }: Request,
    wrong: Partial<Block> = {},
  ): Extract<FetchAnswer, { $case: 'block' }> {
    const at = piece * this.content.metainfo.pieceLength + begin;
    const data = this.content.data.subarray(at, at + length);
    return { $case: 'block', value: { id, piece, begin, data, left: 0, ...wrong } };
  }

  #getMetainfo(call: ServerWritableStream<GetMetainfoRequest, GetMetainfoResponse>): void {
    if (this.script.metainfo) return this.script.metainfo(call);
    const { bytes } = this.content.metainfo;
    call.write({ totalLength: bytes.length, chunk: bytes });
    call.end();
  }

  #sync(call: ServerDuplexStream<SyncRequest, SyncResponse>): void {
    this.visits += 1;
    const victim = this.#victim(call);
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    if (this.script.challenge) this.script.challenge(victim);
    else victim.say(this.challenge());
    call.on('data', ({ message }: SyncRequest) => {
      if (message?.$case !== 'bitfield') return;
      if (this.script.greet) this.script.greet(victim);
      else victim.say(this.hello(), this.bitfield());
      this.script.ready?.(victim);
    });
  }

  #fetch(call: ServerDuplexStream<FetchRequest, FetchResponse>): void {
    this.#fetches.add(call);
    for (const message of this.#unsaid.splice(0)) call.write({ message });
    const victim = this.#victim(undefined, call);
    call.on('error', () => undefined);
    call.on('cancelled', () => this.#fetches.delete(call));
    call.on('end', () => call.end());
    call.on('data', ({ message }: FetchRequest) => {
      if (message?.$case === 'request') {
        this.requests += 1;
        if (this.script.request) this.script.request(message.value, victim);
        else victim.answer(this.block(message.value));
      }
    });
  }

  #victim(
    sync?: ServerDuplexStream<SyncRequest, SyncResponse>,
    fetch?: ServerDuplexStream<FetchRequest, FetchResponse>,
  ): Victim {
    const lastFetch = (): typeof fetch => fetch ?? [...this.#fetches].at(-1);
    return {
      sync: sync as Victim['sync'],
      get fetch() {
        return lastFetch();
      },
      say: (...messages) => {
        for (const message of messages) sync?.write({ message });
      },
      answer: (...messages) => {
        const call = lastFetch();
        if (!call) this.#unsaid.push(...messages);
        for (const message of messages) call?.write({ message });
      },
    };
  }
}
