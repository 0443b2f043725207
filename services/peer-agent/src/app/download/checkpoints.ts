import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { Logger } from '@enjambre/common/log/logger';
import type { Meter } from '../agent/meter.js';
import type { ProgressLog } from '../ports/archives.js';
import type { Content } from '../content.js';
import { NO_WAIT, type Wait } from './wait.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface CheckpointsComponents {
  readonly clock: Clock;
  readonly content: Pick<Content, 'metainfo' | 'layout' | 'store'>;
  /** Verified pieces, live. */
  readonly have: Bitfield;
  readonly progress: Pick<ProgressLog, 'note' | 'save'>;
  readonly meter: Pick<Meter, 'syncTimes'>;
  readonly log: Logger;
  /** The progress log was saved, or (`saved` is false) could not be written and is behind. */
  readonly claimed: (saved: boolean) => void;
  /** The disk of the content failed. */
  readonly failed: (error: unknown) => void;
}

/** A checkpoint also starts after this many bytes: the disk then writes during the download, not mostly at its end. */
const CHECKPOINT_BYTES = 64 << 20;

/**
 * Checkpoints of a download: syncs the data, then saves the bitfield (docs/architecture.md, Durability), one checkpoint
 * at a time. A progress log that cannot be written does not stop the download: it only matters after a crash and at the
 * end.
 */
export class Checkpoints {
  /** The checkpoint in progress; see {@link #save}. */
  #running: Promise<EnjambreError | undefined> | undefined;
  /** Bytes of pieces verified since the last checkpoint began. */
  #unsaved = 0;
  /** Why the progress log is behind. */
  #behind: EnjambreError | undefined;

  constructor(private readonly parts: CheckpointsComponents) {}

  /** Why progress cannot be saved; empty if it can. */
  get problem(): Wait {
    return this.#behind ? { reason: this.#behind.reason, message: behindText(this.#behind) } : NO_WAIT;
  }

  /**
   * Saves the initial bitfield; from now on the files with its pieces must stay the same. Throws errors of the disk of
   * the content.
   */
  async begin(): Promise<void> {
    await this.parts.content.store.hold(this.parts.have);
    await this.#claim(this.parts.have);
  }

  /** A piece was verified. */
  verified(piece: number): void {
    const { progress, content } = this.parts;
    progress.note(piece);
    this.#unsaved += content.layout.pieceSize(piece);
    if (this.#unsaved >= CHECKPOINT_BYTES) this.inPassing();
  }

  /** Starts a checkpoint, unless one is in progress. */
  readonly inPassing = (): void => {
    if (!this.#running) this.#begin().catch(this.parts.failed);
  };

  /** Saves all pieces verified so far. Throws if the content could not be synced or the bitfield not saved. */
  async save(): Promise<void> {
    // A running checkpoint may cover fewer pieces; its own caller handles its errors.
    while (this.#running) await this.#running.catch(() => undefined);
    const behind = await this.#begin();
    if (behind) throw behind;
  }

  #begin(): Promise<EnjambreError | undefined> {
    this.#running = this.#save().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Resolves with the error if only the bitfield could not be saved. */
  async #save(): Promise<EnjambreError | undefined> {
    this.#unsaved = 0;
    const claim = this.parts.have.clone();
    const { clock } = this.parts;
    const begun = clock.nowMs();
    await this.parts.content.store.flush();
    this.parts.meter.syncTimes.observe((clock.nowMs() - begun) / 1000);
    return this.#claim(claim);
  }

  async #claim(have: Bitfield): Promise<EnjambreError | undefined> {
    const { progress, log, content, claimed } = this.parts;
    const { name } = content.metainfo;
    const before = this.#behind;
    try {
      await progress.save(have);
      this.#behind = undefined;
      if (before) log.info(`${name}: progress can be saved again`);
    } catch (error) {
      this.#behind = EnjambreError.from(error);
      const { reason } = this.#behind;
      if (!before) log.error({ err: error, reason }, `${name}: ${behindText(this.#behind)}`);
    }
    claimed(this.#behind === undefined);
    return this.#behind;
  }
}

function behindText({ message }: EnjambreError): string {
  return `the download continues, but progress cannot be saved: ${message}`;
}
