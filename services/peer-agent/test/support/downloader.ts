import { PeerIdentity } from '@enjambre/common/identity/identity';
import { infoHashToBytes, peerIdToBytes, type PeerId } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type {
  FetchRequest,
  FetchResponse,
  Hello,
  PeerServiceClient,
  SyncRequest,
  SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { RawStream } from './streams.js';
import type { Uploader } from './uploader.js';

export type SyncStream = RawStream<SyncRequest, SyncResponse>;
export type FetchStream = RawStream<FetchRequest, FetchResponse>;
type SyncMessage = NonNullable<SyncRequest['message']>;
type FetchMessage = NonNullable<FetchRequest['message']>;

export const bitfield = (...bytes: number[]): SyncMessage => ({
  $case: 'bitfield',
  value: { bits: Uint8Array.from(bytes) },
});
export const have = (...pieces: number[]): SyncMessage => ({ $case: 'have', value: { pieces } });
export const request = (id: number, piece: number, begin: number, length: number): FetchMessage => ({
  $case: 'request',
  value: { id, piece, begin, length },
});
export const any = (id: number, modulus = 1, residue = 0): FetchMessage => ({
  $case: 'any',
  value: { id, modulus, residue },
});
export const cancel = (id: number): FetchMessage => ({ $case: 'cancel', value: { id } });

/** A scripted downloader, on its own connection. */
export class RawDownloader {
  readonly client: PeerServiceClient;
  readonly identity = PeerIdentity.generate();
  readonly #metainfo: Metainfo;
  readonly #uploader: PeerId;
  #sync: SyncStream | undefined;

  constructor(
    uploader: Uploader,
    readonly name = 'downloader',
  ) {
    this.client = uploader.client();
    this.#metainfo = uploader.metainfo;
    this.#uploader = uploader.peerId;
  }

  /** Its hello, with optional faults. Empty fields are filled in when it is sent. */
  hello(wrong: Partial<Hello> = {}): { $case: 'hello'; value: Hello } {
    const value = {
      infohash: infoHashToBytes(this.#metainfo.infohash),
      peerId: peerIdToBytes(this.identity.peerId),
      name: this.name,
      version: 'test',
      publicKey: this.identity.publicKey,
      signature: Buffer.alloc(0),
      session: Buffer.alloc(0),
      takesParts: false,
      labels: {},
    };
    return { $case: 'hello', value: { ...value, ...wrong } };
  }

  /** A Sync stream on which nothing was sent yet. */
  sync(): SyncStream {
    const sync: SyncStream = new RawStream(this.client.sync());
    sync.complete = async (message) => {
      if (message.$case !== 'hello' || message.value.signature.length > 0) return message;
      return { ...message, value: { ...message.value, signature: await this.#sign(sync, message.value) } };
    };
    return sync;
  }

  /** A Fetch stream on which nothing was sent yet. */
  fetch(): FetchStream {
    const fetch: FetchStream = new RawStream(this.client.fetch());
    fetch.complete = (message) => this.#withSession(message);
    return fetch;
  }

  /** The hello of a Fetch stream for the last greeted Sync stream, or for a new one. */
  fetchHello(): Promise<FetchMessage> {
    return this.#withSession(this.hello());
  }

  /** A Sync stream after hello and bitfield on both sides. */
  async greetedSync(pieceCount: number): Promise<SyncStream> {
    const bits = new Uint8Array(Math.ceil(pieceCount / 8));
    const sync = this.sync().say(this.hello(), bitfield(...bits));
    await sync.hear('bitfield');
    this.#sync = sync;
    return sync;
  }

  /** A Fetch stream after its hello. */
  greetedFetch(): FetchStream {
    return this.fetch().say(this.hello());
  }

  async #sign(sync: SyncStream, { infohash }: Hello): Promise<Buffer> {
    const [challenge] = await sync.hear('challenge');
    const terms = Buffer.concat([
      challenge?.nonce ?? '',
      peerIdToBytes(this.#uploader),
      infohash,
    ] as Buffer[]);
    return this.identity.signHello('peer', terms);
  }

  async #withSession(message: FetchMessage): Promise<FetchMessage> {
    if (message.$case !== 'hello' || message.value.session.length > 0) return message;
    const sync = this.#sync ?? (await this.greetedSync(new PieceLayout(this.#metainfo).pieceCount));
    const [hello] = await sync.hear('hello');
    return { ...message, value: { ...message.value, session: hello?.session ?? Buffer.alloc(0) } };
  }
}

/** The answers to each id, in order: the bytes of a block, or the reason of a rejection. */
export function answersOf(fetch: FetchStream): { id: number; block?: Uint8Array; rejected?: number }[] {
  return fetch.heard.map((message) =>
    message.$case === 'block'
      ? { id: message.value.id, block: message.value.data }
      : { id: message.value.id, rejected: message.value.reason },
  );
}
