import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { Logger } from '@enjambre/common/log/logger';
import type { Meter } from '../agent/meter.js';
import type { ProgressLog } from '../ports/archives.js';
import type { Content } from '../content.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface CheckpointsComponents {
  readonly clock: Clock;
  readonly content: Pick<Content, 'metainfo' | 'layout' | 'store'>;
  /** Verified pieces, live. */
  readonly have: Bitfield;
  readonly progress: Pick<ProgressLog, 'note' | 'save'>;
  readonly meter: Pick<Meter, 'syncTimes'>;
  readonly log: Logger;
  /** The progress log says what is on the disk; or it could not be written (`saved` is false) and is behind. */
  readonly claimed: (saved: boolean) => void;
  /** The disk that has the content failed. */
  readonly failed: (error: unknown) => void;
}

/** Or when so much has come: the disk writes while the rest comes, and at the end only a little is left to sync. */
const CHECKPOINT_BYTES = 64 << 20;

/**
 * Claims what a download has: data first, then the claim (docs/architecture.md, Durability). One checkpoint at a time. A progress
 * log that cannot be written does not end the download: only a crash, or the end, needs it.
 */
export class Checkpoints {
  /** The checkpoint under way; see {@link #save}. */
  #running: Promise<EnjambreError | undefined> | undefined;
  /** Bytes of pieces verified since the last checkpoint began. */
  #unsaved = 0;
  /** Why the progress log is behind. */
  #behind: EnjambreError | undefined;

  constructor(private readonly parts: CheckpointsComponents) {}

  /** Why progress cannot be saved, for people; empty if it can. */
  get problem(): string {
    return this.#behind ? behindText(this.#behind) : '';
  }

  /** From now on the files of what is there have to stay the same; it is claimed. Throws what the disk of the content says. */
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

  /** Begins a checkpoint, unless one is under way. */
  readonly inPassing = (): void => {
    if (!this.#running) this.#begin().catch(this.parts.failed);
  };

  /** Claims all that is verified now. Throws if the content could not be synced, or the claim not be saved. */
  async save(): Promise<void> {
    // One that runs began with less; its own caller hears what becomes of it.
    while (this.#running) await this.#running.catch(() => undefined);
    const behind = await this.#begin();
    if (behind) throw behind;
  }

  #begin(): Promise<EnjambreError | undefined> {
    this.#running = this.#save().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Resolves with the reason if only the claim could not be saved. */
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
      if (!before) log.error({ err: error }, `${name}: ${behindText(this.#behind)}`);
    }
    claimed(this.#behind === undefined);
    return this.#behind;
  }
}

function behindText({ message }: EnjambreError): string {
  return `the download continues, but progress cannot be saved: ${message}`;
}
