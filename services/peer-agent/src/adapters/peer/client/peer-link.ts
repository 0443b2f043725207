import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, peerIdToBytes, type InfoHash, type PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import { boundHello } from '@enjambre/common/identity/bound-hello';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import type { PieceLayout } from '@enjambre/core/layout';
import { TokenBucket } from '@enjambre/core/token-bucket';
import {
  Hello,
  type Block,
  type FetchRequest,
  type FetchResponse,
  type Challenge,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { BlockSource, PeerAddress, SourceNews } from '../../../app/ports/peers.js';
import { BlockParts } from './block-parts.js';
import { rejectFromWire } from '../convert.js';
import { HaveNews } from '../have-news.js';
import { helloBinding, helloTerms } from '../hello.js';
import { HELLO_TIMEOUT_MS } from '../wire-constants.js';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';

/** How this agent introduces itself to uploaders. */
export interface SelfDescription {
  readonly peerId: PeerId;
  readonly name: string;
  readonly version: string;
  /** Topology labels, for uploaders. @default none */
  readonly labels?: Labels;
}

/** Proves the agent's identity. */
export type HelloSigner = Pick<PeerIdentity, 'publicKey' | 'signHello' | 'signBound'>;

export interface LinkTarget {
  readonly peer: PeerAddress;
  readonly infohash: InfoHash;
  readonly layout: PieceLayout;
  readonly have: Bitfield;
  /** Called when an address is dialed. @default not reported */
  readonly dialed?: () => void;
}

interface LinkComponents {
  /** Calls `dialed` for each address that it dials, perhaps at once. */
  readonly openSync: (
    listener: StreamListener<SyncResponse>,
    dialed: () => void,
  ) => MessageStream<SyncRequest>;
  readonly openFetch: (listener: StreamListener<FetchResponse>) => MessageStream<FetchRequest>;
  readonly self: SelfDescription;
  readonly signer: HelloSigner;
  readonly tell: (news: SourceNews) => void;
  /** Called once, when both streams have ended. */
  readonly ended: () => void;
}

/**
 * Messages of a peer besides its answers. An honest one batches its haves, 50 times a second at most; those of a stall
 * arrive at once.
 */
const MESSAGES = { perSecond: 200, burst: 2000 };

/** News without its source. */
type Untold<News> = News extends unknown ? Omit<News, 'source'> : never;

/** Sync and Fetch streams with one uploader. An error on either ends both. */
export class GrpcPeerLink implements BlockSource {
  readonly kind = 'peer';
  readonly #parts: LinkComponents;
  readonly #target: LinkTarget;
  readonly #sync: MessageStream<SyncRequest>;
  /** Opened after the uploader's hello, which carries the session for it. */
  #fetch: MessageStream<FetchRequest> | undefined;
  readonly #blocks = new BlockParts();
  readonly #messages = new TokenBucket(MESSAGES, Math.floor(performance.now()));
  /** Our pieces only matter to an uploader that has all pieces: it may super-seed. */
  readonly #news = new HaveNews((pieces) => {
    this.#sync.write({ message: { $case: 'have', value: { pieces } } });
  });
  /** The uploader's pieces; empty before its bitfield arrives. */
  #theirs: Bitfield;
  /** Runs from a dial to the bitfield: a link may wait long for its turn to dial. */
  #helloTimer: NodeJS.Timeout | undefined;
  /** Runs until the server has ended the stream, after we did. */
  #lastWords: NodeJS.Timeout | undefined;
  #challenged = false;
  #ready = false;
  #closed = false;

  constructor(parts: LinkComponents, target: LinkTarget) {
    this.#parts = parts;
    this.#target = target;
    this.#theirs = Bitfield.empty(target.layout.pieceCount);
    this.#sync = parts.openSync(
      this.#guarded((message) => {
        this.#onSync(message);
      }),
      () => this.#onDialed(),
    );
  }

  get id(): PeerId {
    return this.#target.peer.peerId;
  }

  request(id: number, { piece, begin, length }: { piece: number; begin: number; length: number }): void {
    this.#fetch?.write({ message: { $case: 'request', value: { id, piece, begin, length } } });
  }

  requestAny(id: number, { modulus, residue }: { modulus: number; residue: number }): void {
    this.#fetch?.write({ message: { $case: 'any', value: { id, modulus, residue } } });
  }

  cancel(id: number): void {
    this.#fetch?.write({ message: { $case: 'cancel', value: { id } } });
  }

  pace(bytesPerSecond: number): void {
    const value = { bytesPerSecond: BigInt(Math.ceil(bytesPerSecond)) };
    this.#fetch?.write({ message: { $case: 'pace', value } });
  }

  have(pieces: readonly number[]): void {
    // Before that, the bitfield will include them.
    if (this.#challenged) this.#news.add(pieces, this.#theirs.isFull());
  }

  close(reason: string, message: string, piece?: number): void {
    if (this.#closed) return;
    this.#news.flush();
    const value = { reason, message: message.slice(0, 512), piece };
    this.#sync.write({ message: { $case: 'goodbye', value } });
    // A peer that has not answered cannot read a goodbye.
    this.#finish(this.#challenged ? GOODBYE_MS : 0);
    this.#left(new EnjambreError('aborted', reason, message), true);
  }

  /** Each address has the whole time for a hello. */
  #onDialed(): void {
    if (this.#closed || this.#ready) return;
    clearTimeout(this.#helloTimer);
    this.#helloTimer = setTimeout(() => {
      this.#end(new EnjambreError('timeout', 'NO_HELLO', 'the peer did not say hello in time'));
    }, HELLO_TIMEOUT_MS);
    this.#target.dialed?.();
  }

  /** An error thrown by `handle` ends the link, as does the end of the stream. */
  #guarded<Message>(handle: (message: Message) => void): StreamListener<Message> {
    return {
      message: (message) => {
        if (this.#closed) return;
        try {
          handle(message);
        } catch (error) {
          this.#end(EnjambreError.from(error));
        }
      },
      ended: (error) => {
        if (this.#closed) this.#over();
        else this.#end(error ?? streamEnded());
      },
    };
  }

  #onChallenge({ nonce, peerId, takesSigned = false }: Challenge): void {
    if (this.#challenged) throw violation('a second challenge');
    this.#challenged = true;
    const { signer } = this.#parts;
    const { peer, infohash, have } = this.#target;
    this.#checkPeer(peerId);
    const terms = { nonce, uploader: peer.peerId };
    const fields = { ...this.#hello, publicKey: signer.publicKey };
    const value = takesSigned
      ? boundHello(fields, Hello, { context: 'peer', signer, binding: helloBinding(terms) })
      : { ...fields, signature: signer.signHello('peer', helloTerms(terms, infohash)) };
    this.#sync.write({ message: { $case: 'hello', value } });
    this.#sync.write({ message: { $case: 'bitfield', value: { bits: have.toBytes() } } });
  }

  get #hello(): Hello {
    const { self } = this.#parts;
    return {
      infohash: infoHashToBytes(this.#target.infohash),
      peerId: peerIdToBytes(self.peerId),
      name: self.name,
      version: self.version,
      publicKey: Buffer.alloc(0),
      signature: Buffer.alloc(0),
      session: Buffer.alloc(0),
      takesParts: true,
      labels: { ...self.labels },
    };
  }

  #checkPeer(peerId: Uint8Array): void {
    const { peer } = this.#target;
    if (peerIdToBytes(peer.peerId).equals(peerId)) return;
    throw new EnjambreError('unavailable', 'OTHER_PEER', `another peer answers at ${peer.endpoint}`);
  }

  #onSync({ message }: SyncResponse): void {
    this.#countMessage();
    switch (message?.$case) {
      case 'challenge':
        return this.#onChallenge(message.value);
      case 'hello':
        return this.#onHello(message.value);
      case 'bitfield':
        return this.#onBitfield(message.value.bits);
      case 'have':
        return this.#onHave(message.value.pieces);
      case 'choke':
      case 'unchoke':
        return this.#onChoke(message.$case === 'choke');
      case 'spread':
        return this.#onSpread(message.value.on);
      case 'goodbye':
        throw new EnjambreError(
          'unavailable',
          message.value.reason.slice(0, 64),
          message.value.message.slice(0, 512),
        );
      case undefined:
        return; // A message from a later version.
    }
  }

  #onHello(hello: Hello): void {
    const { infohash } = this.#target;
    if (!this.#challenged || this.#fetch || !infoHashToBytes(infohash).equals(hello.infohash))
      throw violation('a hello that does not match');
    this.#checkPeer(hello.peerId);
    this.#fetch = this.#parts.openFetch(
      this.#guarded((message) => {
        this.#onFetch(message);
      }),
    );
    const value = { ...this.#hello, session: Buffer.from(hello.session) };
    this.#fetch.write({ message: { $case: 'hello', value } });
  }

  #onBitfield(bits: Uint8Array): void {
    if (!this.#fetch || this.#ready) throw violation('a bitfield out of order');
    this.#theirs = Bitfield.fromBytes(bits, this.#target.layout.pieceCount);
    clearTimeout(this.#helloTimer);
    this.#ready = true;
    if (this.#theirs.isFull()) this.#news.flush();
    this.#tell({ type: 'source-joined', has: this.#theirs.clone() });
  }

  /** Without effect before the bitfield. */
  #onChoke(on: boolean): void {
    if (this.#ready) this.#tell({ type: on ? 'source-choked' : 'source-unchoked' });
  }

  #onHave(pieces: readonly number[]): void {
    if (!this.#ready) throw violation('a have before the bitfield');
    if (pieces.some((piece) => piece >= this.#target.layout.pieceCount))
      throw violation('a piece that does not exist');
    for (const piece of pieces) this.#theirs.set(piece);
    if (this.#theirs.isFull()) this.#news.flush();
    this.#tell({ type: 'source-has', pieces });
  }

  #onSpread(on: boolean): void {
    if (!this.#ready) throw violation('a super-seeding notice before the bitfield');
    if (on) this.#news.flush();
    this.#tell({ type: 'source-super-seeds', on });
  }

  #onFetch({ message }: FetchResponse): void {
    if (message && !this.#ready) throw violation('an answer before the bitfield');
    switch (message?.$case) {
      case 'block': {
        const block = this.#blocks.take(message.value);
        return block ? this.#onBlock(block) : this.#tell({ type: 'source-heard' });
      }
      case 'reject':
        this.#blocks.drop(message.value.id);
        return this.#tell({
          type: 'block-rejected',
          id: message.value.id,
          reason: rejectFromWire(message.value.reason),
        });
      case undefined:
        return this.#countMessage(); // A message from a later version.
    }
  }

  /** Counts a message that is no answer to a request. */
  #countMessage(): void {
    if (this.#messages.take(Math.floor(performance.now())) > 0) throw violation('too many messages');
  }

  #onBlock({ id, piece, begin, data }: Block): void {
    const { layout } = this.#target;
    const block = begin / layout.longestBlock;
    const isBlock =
      piece < layout.pieceCount &&
      Number.isInteger(block) &&
      block < layout.blockCount(piece) &&
      layout.blockSize(piece, block) === data.length;
    if (!isBlock) {
      const message = `sent ${data.length} bytes at ${begin} of piece ${piece}, which is not a block`;
      throw new EnjambreError('invalid', 'PROTOCOL_VIOLATION', message);
    }
    this.#tell({ type: 'block-arrived', id, ref: { piece, block }, data: asBuffer(data) });
  }

  #tell(news: Untold<SourceNews>): void {
    this.#parts.tell({ ...news, source: this.id });
  }

  #left(error: EnjambreError, byUs: boolean): void {
    this.#tell({ type: 'source-left', error, joined: this.#ready, byUs });
  }

  #end(error: EnjambreError): void {
    if (this.#closed) return;
    this.#finish(LAST_WORDS_MS);
    this.#left(error, false);
  }

  /** @param waitMs a server that has not ended the stream by then is cut off */
  #finish(waitMs: number): void {
    this.#closed = true;
    clearTimeout(this.#helloTimer);
    this.#news.stop();
    this.#fetch?.cancel();
    this.#sync.end();
    this.#lastWords = setTimeout(() => {
      this.#over();
    }, waitMs);
  }

  /** Both streams have ended. Runs once. */
  #over(): void {
    if (!this.#lastWords) return;
    clearTimeout(this.#lastWords);
    this.#lastWords = undefined;
    this.#sync.cancel();
    this.#parts.ended();
  }
}

/** The last messages must be read: a seeder sends pieces that it does not know of to others once more. */
const GOODBYE_MS = 2000;
const LAST_WORDS_MS = 200;

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function streamEnded(): EnjambreError {
  return new EnjambreError('unavailable', 'STREAM_ENDED', 'the peer ended the stream');
}

function violation(what: string): EnjambreError {
  return new EnjambreError('invalid', 'PROTOCOL_VIOLATION', `the peer sent ${what}`);
}
