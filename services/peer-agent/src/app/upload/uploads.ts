import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import type { RejectReason } from '../../domain/block.js';
import type { Breach, Part, UploadEffect, UploadEvent } from '../../domain/upload/messages.js';
import { UploadEngine, type UploadEngineInit } from '../../domain/upload/upload-engine.js';
import type { Serving } from './serving.js';
import { Rounds } from './rounds.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

/** A peer that downloads a file from this agent; implemented by the peer server. */
export interface Downloader {
  readonly peerId: PeerId;
  readonly serving: Serving;
  /** Tells it whether it must wait for a slot. */
  choke(on: boolean): void;
  /** Tells it whether this agent chooses the blocks. */
  superSeed(on: boolean): void;
}

/** A stream on which a downloader requests blocks. Its owner reports when it is closed (`stream-closed`). */
export interface BlockStream {
  readonly downloader: Downloader;
  /** Allocates a part that is to be sent. */
  part(id: number, part: Part): OutgoingPart;
  reject(id: number, reason: RejectReason): void;
  /** The downloader violated the protocol. */
  violated(breach: Breach): void;
}

/** A part being sent. Either {@link send} or {@link drop} is called, once. */
export interface OutgoingPart {
  /** Buffer for its bytes. */
  readonly data: Buffer;
  /** Sends the part. Resolves with true once it is on its way, with false at once if the stream is closed. */
  send(): Promise<boolean>;
  drop(): void;
}

export interface UploadsComponents {
  readonly clock: Clock;
  readonly log: Logger;
}

type Event = UploadEvent<Downloader, BlockStream>;
type Effect = UploadEffect<Downloader, BlockStream>;

/** All uploads of an agent: runs the {@link UploadEngine} with disk, wire and clock. */
export class Uploads {
  readonly #engine: UploadEngine<Downloader, BlockStream>;
  readonly #rounds: Rounds;
  #timer: Timer | undefined;
  /** When the timer ends. */
  #wakeMs = Infinity;

  constructor(
    private readonly parts: UploadsComponents,
    init: UploadEngineInit,
  ) {
    this.#rounds = new Rounds(parts.clock, () => {
      this.#pump();
    });
    this.#engine = new UploadEngine(init);
  }

  /** Waiting requests, and bytes being read or sent. */
  get load(): { readonly waiting: number; readonly bytes: number } {
    return this.#engine.load;
  }

  /** Handles an event from the wire. */
  handle(event: Event): void {
    for (const effect of this.#engine.handle(event, this.parts.clock.nowMs())) this.#apply(effect);
    this.#pump();
  }

  #pump(): void {
    while (!this.#rounds.isOver) {
      const effect = this.#engine.next(this.parts.clock.nowMs());
      if (!effect) break;
      this.#apply(effect);
    }
    this.#wakeLater();
  }

  #apply(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect).catch((error: unknown) => {
          this.parts.log.error({ err: error }, 'a block could not be served');
        });
        return;
      case 'reject':
        return effect.stream.reject(effect.id, effect.reason);
      case 'violation':
        return effect.stream.violated(effect.breach);
      case 'choke':
      case 'unchoke':
        return effect.downloader.choke(effect.type === 'choke');
      case 'super-seed':
        return effect.downloader.superSeed(effect.on);
    }
  }

  async #send({ stream, id, part }: Extract<Effect, { type: 'send' }>): Promise<void> {
    const { peerId, serving } = stream.downloader;
    const outgoing = stream.part(id, part);
    serving.gave(peerId, part.piece);
    try {
      await serving.read(part, outgoing.data);
    } catch (error) {
      outgoing.drop();
      this.parts.log.warn({ err: error, piece: part.piece }, 'a shared file could not be read');
      const reason = EnjambreError.from(error).code === 'precondition' ? 'content-changed' : 'read-failed';
      this.handle({ type: 'part-failed', stream, id, part, reason });
      return;
    }
    this.handle({ type: 'part-read', stream, id, part });
    if (!(await outgoing.send())) return;
    serving.sent(peerId, part.length);
    this.handle({ type: 'part-sent', stream, id, part });
  }

  #wakeLater(): void {
    const { wakeMs } = this.#engine;
    if (wakeMs >= this.#wakeMs) return;
    this.#timer?.cancel();
    this.#wakeMs = wakeMs;
    this.#timer = this.parts.clock.after(wakeMs - this.parts.clock.nowMs(), () => {
      this.#wakeMs = Infinity;
      this.handle({ type: 'tick' });
    });
  }
}
