import { infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type {
  FetchRequest,
  FetchResponse,
  Hello,
  PeerServiceClient,
  SyncRequest,
  SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { peerNamed } from './ids.js';
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
export const cancel = (id: number): FetchMessage => ({ $case: 'cancel', value: { id } });

/** A downloader by hand, on a connection of its own. */
export class RawDownloader {
  readonly client: PeerServiceClient;
  readonly #metainfo: Metainfo;

  constructor(
    uploader: Uploader,
    readonly name = 'downloader',
  ) {
    this.client = uploader.client();
    this.#metainfo = uploader.metainfo;
  }

  /** Its hello, with whatever is to be wrong with it. */
  hello(wrong: Partial<Hello> = {}): { $case: 'hello'; value: Hello } {
    const value = {
      infohash: infoHashToBytes(this.#metainfo.infohash),
      peerId: peerIdToBytes(peerNamed(this.name)),
      name: this.name,
      version: 'test',
    };
    return { $case: 'hello', value: { ...value, ...wrong } };
  }

  /** A Sync stream that has said nothing yet. */
  sync(): SyncStream {
    return new RawStream(this.client.sync());
  }

  /** A Fetch stream that has said nothing yet. */
  fetch(): FetchStream {
    return new RawStream(this.client.fetch());
  }

  /** A Sync stream that is past hello and bitfield on both sides. */
  async greetedSync(pieceCount: number): Promise<SyncStream> {
    const bits = new Uint8Array(Math.ceil(pieceCount / 8));
    const sync = this.sync().say(this.hello(), bitfield(...bits));
    await sync.hear('bitfield');
    return sync;
  }

  /** A Fetch stream that said hello. */
  greetedFetch(): FetchStream {
    return this.fetch().say(this.hello());
  }
}

/** What was answered to each id, in order: the bytes of a block, or the reason of a reject. */
export function answersOf(fetch: FetchStream): { id: number; block?: Uint8Array; rejected?: number }[] {
  return fetch.heard.map((message) =>
    message.$case === 'block'
      ? { id: message.value.id, block: message.value.data }
      : { id: message.value.id, rejected: message.value.reason },
  );
}
