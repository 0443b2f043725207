import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Random } from '../../domain/random.js';
import type { UploadFile } from '../../domain/upload/messages.js';
import { SuperSeeding } from '../../domain/upload/super-seeding.js';
import { HAVE_BATCH_MS } from '../../domain/swarm-constants.js';
import type { RateShare } from '../../domain/limits/rate-limiter.js';
import type { Offender } from '../agent/bans.js';
import { Complaints } from './complaints.js';
import type { ComplaintTurns } from './complaint-turns.js';
import type { Ledger } from '../agent/ledger.js';
import type { PieceStore } from '../ports/piece-store.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

/** What whoever serves the file wants to hear of it. */
export interface ServingListener {
  /** Pieces that were verified since the last time. */
  has?(pieces: readonly number[]): void;
  /** The file is no longer served. `reason` is STOPPING or {@link CONTENT_CHANGED}. */
  stopped?(message: string, reason: string): void;
  /** The last piece was verified. */
  completed?(): void;
}

export interface ServingComponents {
  readonly clock: Clock;
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  /** Live: grows while the file downloads. */
  readonly have: Bitfield;
  readonly store: PieceStore;
  readonly ledger: Ledger;
  readonly random: Random;
  /** How fast it may be sent. */
  readonly share: RateShare;
  /** The content is not what it was, or gone: nothing more may be served. */
  readonly damaged: (error: EnjambreError) => void;
  /** When complaints of downloaders are looked at, over all transfers. */
  readonly turns: ComplaintTurns;
  /** See {@link Serving.holds}. @default nothing is known of it */
  readonly holds?: (peer: PeerId, piece: number) => boolean;
}

/** A file as others may fetch it from here: only verified pieces, and all news of them. */
export class Serving {
  readonly #listeners = new Set<ServingListener>();
  #fresh: number[] = [];
  #timer: Timer | undefined;
  #stopped = false;
  readonly #complaints: Complaints;
  /** As the upload engine takes it. */
  readonly upload: UploadFile;

  constructor(private readonly parts: ServingComponents) {
    const { layout, have, share, random } = parts;
    this.upload = { layout, have, share, superSeeding: new SuperSeeding(layout.pieceCount, random) };
    this.#complaints = new Complaints(parts);
  }

  get infohash(): InfoHash {
    return this.parts.metainfo.infohash;
  }

  get metainfo(): Metainfo {
    return this.parts.metainfo;
  }

  get layout(): PieceLayout {
    return this.parts.layout;
  }

  get have(): Bitfield {
    return this.parts.have;
  }

  /** True if a downloader is known to have the piece already, by what it serves of the file itself. */
  holds(peer: PeerId, piece: number): boolean {
    return this.parts.holds?.(peer, piece) ?? false;
  }

  /** See {@link PieceStore.read}. */
  async read(place: { piece: number; begin: number }, into: Buffer): Promise<void> {
    try {
      await this.parts.store.read(place, into);
    } catch (error) {
      const known = EnjambreError.from(error);
      // After the end the files may be elsewhere by right.
      if (known.code === 'precondition' && !this.#stopped) this.parts.damaged(known);
      throw error;
    }
  }

  downloaderJoined(downloader: {
    readonly peerId: PeerId;
    readonly name: string;
    readonly labels: Labels;
  }): void {
    this.parts.ledger.streamOpened(downloader);
  }

  downloaderLeft(peerId: PeerId): void {
    this.parts.ledger.streamClosed(peerId);
  }

  sent(peerId: PeerId, bytes: number): void {
    this.parts.ledger.sent(peerId, bytes);
  }

  /** Returns a function that ends the subscription. */
  subscribe(listener: ServingListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A piece was verified: tell everyone soon. */
  verified(piece: number): void {
    this.#fresh.push(piece);
    if (this.parts.have.isFull()) for (const listener of [...this.#listeners]) listener.completed?.();
    this.#timer ??= this.parts.clock.after(HAVE_BATCH_MS, () => {
      this.#tell();
    });
  }

  /** Tells everyone now of what was verified. */
  tellNow(): void {
    this.#timer?.cancel();
    if (this.#timer) this.#tell();
  }

  /** A block of the piece is on its way to a downloader. */
  gave(peerId: PeerId, piece: number): void {
    this.#complaints.gave(peerId, piece);
  }

  /** A downloader says that a piece from here was bad. */
  complained(peerId: PeerId, piece: number): void {
    this.#complaints.add(peerId, piece);
  }

  stop(message: string, reason = 'STOPPING'): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#complaints.stop();
    this.#timer?.cancel();
    for (const listener of [...this.#listeners]) listener.stopped?.(message, reason);
    this.#listeners.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    const pieces = this.#fresh;
    this.#fresh = [];
    for (const listener of this.#listeners) listener.has?.(pieces);
  }
}

/** What the peer server looks files up in. */
export interface ServingDirectory {
  find(infohash: InfoHash): Serving | undefined;
  /** True if it was served, and is not since its bytes are others. @default nothing is known of that */
  hasChanged?(infohash: InfoHash): boolean;
  /** Why a peer is not dealt with; undefined if it is. */
  banReason(peer: PeerId): string | undefined;
  /** A downloader broke the protocol. */
  report(offender: Offender, breach: string): void;
}
