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

/** Receives the events of a served file. */
export interface ServingListener {
  /** Pieces verified since the last call. */
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
  /** Live: grows during the download. */
  readonly have: Bitfield;
  readonly store: PieceStore;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Rate limit of uploads. */
  readonly share: RateShare;
  /** The content changed or is gone: it must no longer be served. */
  readonly damaged: (error: EnjambreError) => void;
  /** Schedules the checks of complaints, over all transfers. */
  readonly turns: ComplaintTurns;
  /** See {@link Serving.holds}. @default false for all */
  readonly holds?: (peer: PeerId, piece: number) => boolean;
}

/** A file as peers can fetch it: its verified pieces, with notifications about new ones. */
export class Serving {
  readonly #listeners = new Set<ServingListener>();
  #fresh: number[] = [];
  #timer: Timer | undefined;
  #stopped = false;
  readonly #complaints: Complaints;
  /** The file in the form of the upload engine. */
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

  /** True if a downloader is known to have the piece: it serves the file too. */
  holds(peer: PeerId, piece: number): boolean {
    return this.parts.holds?.(peer, piece) ?? false;
  }

  /** See {@link PieceStore.read}. */
  async read(place: { piece: number; begin: number }, into: Buffer): Promise<void> {
    try {
      await this.parts.store.read(place, into);
    } catch (error) {
      const known = EnjambreError.from(error);
      // Once stopped, the files may legitimately be elsewhere.
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

  /** A piece was verified: notifies the listeners soon. */
  verified(piece: number): void {
    this.#fresh.push(piece);
    if (this.parts.have.isFull()) for (const listener of [...this.#listeners]) listener.completed?.();
    this.#timer ??= this.parts.clock.after(HAVE_BATCH_MS, () => {
      this.#tell();
    });
  }

  /** Notifies the listeners of all verified pieces now. */
  tellNow(): void {
    this.#timer?.cancel();
    if (this.#timer) this.#tell();
  }

  /** A block of the piece is on its way to a downloader. */
  gave(peerId: PeerId, piece: number): void {
    this.#complaints.gave(peerId, piece);
  }

  /** A downloader reports a piece from this agent as bad. */
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

/** The files that the peer server serves, and its view of the bans. */
export interface ServingDirectory {
  find(infohash: InfoHash): Serving | undefined;
  /** True if the file is no longer served because its content changed. @default false for all */
  hasChanged?(infohash: InfoHash): boolean;
  /** Why a peer is banned; undefined if it is not. */
  banReason(peer: PeerId): string | undefined;
  /** A downloader violated the protocol. */
  report(offender: Offender, breach: string): void;
}
