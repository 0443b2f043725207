import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfoSteps } from '@enjambre/core/metainfo-parse';
import { runSteps } from '@enjambre/core/steps';
import type {
  BlockSource,
  MetainfoProgress,
  PeerAddress,
  PeerConnector,
  SourceNews,
} from '../../src/app/ports/peers.js';
import type { BlockRef, RejectReason } from '../../src/domain/block.js';
import type { PieceClass } from '../../src/domain/upload/piece-class.js';
import { peerNamed } from './ids.js';

export interface Content {
  readonly metainfo: Metainfo;
  readonly data: Buffer;
}

/** A request for a named block, or for one of the uploader's choice. */
type Asked = { readonly link: MemoryLink; readonly id: number } & (
  { readonly place: Parameters<BlockSource['request']>[1] } | { readonly any: PieceClass }
);

/** News without its source. */
type Untold<News> = News extends unknown ? Omit<News, 'source'> : never;

/**
 * A swarm of one file in memory. Actions of an uploader are reported at once, its answers to a call after that call.
 */
export class MemorySwarm implements PeerConnector {
  readonly #byName = new Map<string, MemoryUploader>();
  readonly #byEndpoint = new Map<string, MemoryUploader>();
  /** Links ended by their downloaders: the uploader's name and the reason. */
  readonly closed: string[] = [];

  constructor(readonly content: Content) {}

  /** The uploader with a name: a different one for each name. */
  uploader(name: string): MemoryUploader {
    const known = this.#byName.get(name);
    if (known) return known;
    const endpoint = `10.0.0.1:${this.#byName.size + 1}`;
    const address = { peerId: peerNamed(name), name, endpoint, seeder: true };
    const uploader = new MemoryUploader(this.content, address);
    this.#byName.set(name, uploader);
    this.#byEndpoint.set(endpoint, uploader);
    return uploader;
  }

  open(
    peer: PeerAddress,
    { infohash, have, dialed }: Parameters<PeerConnector['open']>[1],
    tell: (news: SourceNews) => void,
  ): MemoryLink {
    const uploader = this.#byEndpoint.get(peer.endpoint);
    dialed?.();
    const closed = (reason: string): void => void this.closed.push(`${peer.name}: ${reason}`);
    return new MemoryLink({ uploader, peer, infohash, have, tell, closed });
  }

  async fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress: MetainfoProgress = {},
  ): Promise<Metainfo> {
    await Promise.resolve();
    if (signal.aborted) throw cancelled();
    progress.dialed?.();
    const uploader = this.#byEndpoint.get(peer.endpoint);
    if (!uploader || uploader.isGone) throw unreachable(peer);
    if (uploader.isSilent)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(cancelled())));
    const { bytes } = uploader;
    if (uploader.isHonest && infohash !== this.content.metainfo.infohash) throw unknownFile();
    for (const come of [bytes.length >> 1, bytes.length]) progress.received?.(come, bytes.length);
    return runSteps(parseMetainfoSteps(bytes, infohash));
  }
}

/** A peer of a {@link MemorySwarm}: by default it has all pieces, and answers at once. */
export class MemoryUploader {
  readonly have: Bitfield;
  /** Pieces announced by downloaders. */
  readonly known = new Set<number>();
  /** Rates requested by downloaders in bytes per second, latest last. */
  readonly paces: number[] = [];
  /** Accepts links and stays silent. */
  isSilent = false;
  /** True once its process has ended, or it has withdrawn the file. */
  isGone = false;
  /** The metainfo that it sends. */
  bytes: Buffer;
  readonly #layout: PieceLayout;
  readonly #links = new Set<MemoryLink>();
  #queue: Asked[] = [];
  #isHeld = false;
  /** Blocks of its own choice that it has sent to any downloader. */
  readonly #given = new Set<string>();

  constructor(
    private readonly content: Content,
    readonly address: PeerAddress,
  ) {
    this.#layout = new PieceLayout(content.metainfo);
    this.have = Bitfield.full(this.#layout.pieceCount);
    this.bytes = content.metainfo.bytes;
  }

  get isHonest(): boolean {
    return this.bytes === this.content.metainfo.bytes;
  }

  /** Downloaders with a link to it. */
  get links(): number {
    return this.#links.size;
  }

  /** Limits it to these pieces. */
  only(...pieces: number[]): this {
    for (let piece = 0; piece < this.have.length; piece++) this.have.clear(piece);
    for (const piece of pieces) this.have.set(piece);
    return this;
  }

  /** Adds these pieces. */
  gain(...pieces: number[]): void {
    for (const piece of pieces) this.have.set(piece);
    for (const link of this.#links) link.hear({ type: 'source-has', pieces });
  }

  /** Answers no request until {@link release}. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#answerAll();
  }

  /** Sends a block, requested or not. */
  send(id: number, ref: BlockRef): void {
    for (const link of this.#links) this.#send(link, id, ref);
  }

  /** Rejects a request, existing or not. */
  reject(id: number, reason: RejectReason): void {
    for (const link of this.#links) link.hear({ type: 'block-rejected', id, reason });
  }

  /** Ends all links, and accepts no others. */
  leave(error: EnjambreError): void {
    this.isGone = true;
    for (const link of [...this.#links]) link.end(error);
  }

  /** Returns why a downloader is not served, if it is not. */
  join(link: MemoryLink, infohash: InfoHash, have: Bitfield): EnjambreError | undefined {
    if (this.isGone) return unreachable(this.address);
    if (infohash !== this.content.metainfo.infohash) return unknownFile();
    this.#links.add(link);
    for (const piece of have.indexes()) this.known.add(piece);
    return undefined;
  }

  /** It super-seeds while there are several downloaders and it has all pieces. */
  review(): void {
    const chooses = this.#links.size > 1 && this.have.isFull();
    for (const link of this.#links) link.choose(chooses);
  }

  left(link: MemoryLink): void {
    this.#links.delete(link);
    this.#queue = this.#queue.filter((asked) => asked.link !== link);
    this.review();
  }

  ask(asked: Asked): void {
    this.#queue.push(asked);
    queueMicrotask(() => this.#answerAll());
  }

  cancel(link: MemoryLink, id: number): void {
    const isIt = (asked: Asked): boolean => asked.link === link && asked.id === id;
    if (!this.#queue.some(isIt)) return;
    this.#queue = this.#queue.filter((asked) => !isIt(asked));
    queueMicrotask(() => link.hear({ type: 'block-rejected', id, reason: 'cancelled' }));
  }

  #answerAll(): void {
    while (!this.#isHeld) {
      const asked = this.#queue.shift();
      if (!asked) return;
      const { link, id } = asked;
      const ref = 'any' in asked ? this.#choose(link, asked.any) : this.#refOf(asked.place);
      if (ref && this.have.has(ref.piece)) this.#send(link, id, ref);
      else link.hear({ type: 'block-rejected', id, reason: 'not-available' });
    }
  }

  #refOf({ piece, begin }: { piece: number; begin: number }): BlockRef {
    return { piece, block: begin / this.#layout.longestBlock };
  }

  /** A piece of the class that was sent to no downloader yet. */
  #choose(link: MemoryLink, { modulus, residue }: PieceClass): BlockRef | undefined {
    if (!link.isChosenFor) return undefined;
    for (let piece = residue; piece < this.#layout.pieceCount; piece += modulus) {
      for (let block = 0; block < this.#layout.blockCount(piece); block++) {
        const key = `${piece}/${block}`;
        if (this.known.has(piece) || this.#given.has(key)) continue;
        this.#given.add(key);
        return { piece, block };
      }
    }
    return undefined;
  }

  #send(link: MemoryLink, id: number, ref: BlockRef): void {
    const { piece, block } = ref;
    const at = piece * this.content.metainfo.pieceLength + block * this.#layout.longestBlock;
    const data = Buffer.from(this.content.data.subarray(at, at + this.#layout.blockSize(piece, block)));
    link.hear({ type: 'block-arrived', id, ref, data });
  }
}

interface MemoryLinkParts {
  /** Undefined if no peer is at the address. */
  readonly uploader: MemoryUploader | undefined;
  readonly peer: PeerAddress;
  readonly infohash: InfoHash;
  readonly have: Bitfield;
  readonly tell: (news: SourceNews) => void;
  readonly closed: (reason: string) => void;
}

class MemoryLink implements BlockSource {
  readonly kind = 'peer';
  /** True while the uploader super-seeds. */
  isChosenFor = false;
  #isOpen = false;
  #isOver = false;

  constructor(private readonly parts: MemoryLinkParts) {
    queueMicrotask(() => this.#join());
  }

  get id(): PeerId {
    return this.parts.peer.peerId;
  }

  request(id: number, place: { piece: number; begin: number; length: number }): void {
    this.#uploader?.ask({ link: this, id, place });
  }

  requestAny(id: number, any: PieceClass): void {
    this.#uploader?.ask({ link: this, id, any });
  }

  cancel(id: number): void {
    this.#uploader?.cancel(this, id);
  }

  pace(bytesPerSecond: number): void {
    this.#uploader?.paces.push(bytesPerSecond);
  }

  have(pieces: readonly number[]): void {
    for (const piece of pieces) this.#uploader?.known.add(piece);
  }

  close(reason: string, message: string): void {
    if (this.#isOver) return;
    this.parts.closed(reason);
    this.#finish(new EnjambreError('aborted', reason, message), true);
  }

  /** The uploader sends news. */
  hear(news: Untold<Exclude<SourceNews, { type: 'source-left' }>>): void {
    if (this.#isOpen) this.parts.tell({ ...news, source: this.id });
  }

  /** Reports whether the uploader super-seeds. */
  choose(on: boolean): void {
    if (this.isChosenFor === on) return;
    this.isChosenFor = on;
    queueMicrotask(() => this.hear({ type: 'source-super-seeds', on }));
  }

  end(error: EnjambreError): void {
    if (!this.#isOver) this.#finish(error, false);
  }

  /** Undefined unless the link is established. */
  get #uploader(): MemoryUploader | undefined {
    return this.#isOpen ? this.parts.uploader : undefined;
  }

  #join(): void {
    const { uploader, peer, infohash, have } = this.parts;
    if (this.#isOver || uploader?.isSilent === true) return;
    if (!uploader) return this.end(unreachable(peer));
    if (uploader.address.peerId !== peer.peerId)
      return this.end(new EnjambreError('unavailable', 'OTHER_PEER', 'another peer answers'));
    const refusal = uploader.join(this, infohash, have);
    if (refusal) return this.end(refusal);
    this.#isOpen = true;
    this.hear({ type: 'source-joined', has: uploader.have.clone() });
    uploader.review();
  }

  #finish(error: EnjambreError, byUs: boolean): void {
    const joined = this.#isOpen;
    this.#isOver = true;
    this.#isOpen = false;
    this.parts.uploader?.left(this);
    this.parts.tell({ type: 'source-left', source: this.id, error, joined, byUs });
  }
}

function unreachable({ endpoint }: PeerAddress): EnjambreError {
  return new EnjambreError('unavailable', 'UNREACHABLE', `no peer answers at ${endpoint}`);
}

function unknownFile(): EnjambreError {
  return new EnjambreError('not-found', 'UNKNOWN_FILE', 'the peer does not share this file');
}

function cancelled(): EnjambreError {
  return new EnjambreError('cancelled', 'CANCELLED', 'the caller cancelled the request');
}
