import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import type { ComplaintTurns } from '../upload/complaint-turns.js';
import type { Content } from '../transfer/content.js';
import type { TransferLimits } from '../agent/limits.js';
import { DownloadSession, type DownloadComponents } from './download-session.js';
import type { ProgressLog, TrackerPort } from '../ports.js';
import { Serving } from '../upload/serving.js';

export interface DownloadRunComponents extends Omit<
  DownloadComponents,
  'metainfo' | 'layout' | 'store' | 'rate'
> {
  readonly content: Content;
  readonly limits: TransferLimits;
  readonly progress: ProgressLog;
  readonly tracker: TrackerPort;
  /** Tells the tracker how far it is. */
  readonly announce: () => void;
  /** What was synced to disk is claimed this often. @default 5000 */
  readonly checkpointMs?: number;
  /** The progress log says what is on the disk; or it could not be written (`saved` is false) and is behind. */
  readonly claimed: (saved: boolean) => void;
  /** See {@link Serving}. */
  readonly turns: ComplaintTurns;
  readonly damaged: (error: EnjambreError) => void;
}

const CHECKPOINT_MS = 5000;
/** Or when so much has come: the disk writes while the rest comes, and at the end only a little is left to sync. */
const CHECKPOINT_BYTES = 64 << 20;
/** News for the tracker, at most this often. */
const ANNOUNCE_MS = 1000;

/** A download from the first request to the last piece, with its checkpoints and announces. */
export class DownloadRun {
  readonly serving: Serving;
  readonly #parts: DownloadRunComponents;
  readonly #session: DownloadSession;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #outcome: Promise<void>;
  #checkpoint: Promise<void> | undefined;
  /** Bytes of pieces verified since the last checkpoint began. */
  #unsaved = 0;
  /** Why the progress log is behind. */
  #unclaimed: EnjambreError | undefined;
  #succeed: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(parts: DownloadRunComponents) {
    this.#parts = parts;
    this.#outcome = new Promise<void>((resolve, reject) => {
      this.#succeed = resolve;
      this.#fail = reject;
    });
    this.#session = new DownloadSession(
      { ...parts, ...parts.content, rate: parts.limits.download },
      {
        verified: (piece) => {
          parts.progress.note(piece);
          this.serving.verified(piece);
          this.#onVerified(piece);
        },
        complete: () => {
          this.#succeed();
        },
        failed: (error) => {
          this.#fail(error);
        },
      },
    );
    const { content, ledger, random, damaged, turns } = parts;
    const share = parts.limits.upload;
    const have = this.#session.have;
    const holds = this.#session.peerHas;
    this.serving = new Serving({ ...content, have, ledger, share, random, damaged, turns, holds });
    this.serving.subscribe({ has: (pieces) => this.#session.announceHave(pieces) });
  }

  /** Verified pieces, live. */
  get have(): Bitfield {
    return this.#session.have;
  }

  get linkCounts(): { known: number; ready: number } {
    return this.#session.linkCounts;
  }

  /** Why it does not get on, for people; empty if it does. */
  get problem(): string {
    return this.#session.problem || (this.#unclaimed ? unclaimedText(this.#unclaimed) : '');
  }

  /** Resolves when all pieces are verified, or when `signal` aborts; rejects when the disk fails. */
  async complete(signal: AbortSignal): Promise<void> {
    const halted = (): boolean => signal.aborted;
    if (halted()) return;
    signal.addEventListener('abort', this.#succeed, { once: true });
    const { tracker, content, announce, checkpointMs = CHECKPOINT_MS } = this.#parts;
    await content.store.hold(this.have);
    await this.#claim(this.have).catch(this.#goOnUnclaimed);
    if (halted()) return;
    tracker.watch(this.#infohash, this.#session);
    this.#session.start();
    let told = this.have.count;
    this.#every(checkpointMs, this.#checkpointInPassing);
    this.#every(ANNOUNCE_MS, () => {
      if (this.have.count !== told) announce();
      told = this.have.count;
    });
    await this.#outcome;
  }

  /** Claims all that is verified now. Data first, then the claim (docs/architecture.md, Durability). One at a time. */
  async checkpoint(): Promise<void> {
    // One that runs began with less; who began it hears what becomes of it.
    while (this.#checkpoint) await this.#checkpoint.catch(() => undefined);
    this.#checkpoint = this.#save().finally(() => (this.#checkpoint = undefined));
    await this.#checkpoint;
  }

  readonly #checkpointInPassing = (): void => {
    if (!this.#checkpoint) this.checkpoint().catch(this.#goOnUnclaimed).catch(this.#fail);
  };

  #onVerified(piece: number): void {
    this.#unsaved += this.#parts.content.layout.pieceSize(piece);
    if (this.#unsaved >= CHECKPOINT_BYTES) this.#checkpointInPassing();
  }

  async #save(): Promise<void> {
    this.#unsaved = 0;
    const claim = this.have.clone();
    const begun = performance.now();
    await this.#parts.content.store.flush();
    this.#parts.meter.syncTimes.observe((performance.now() - begun) / 1000);
    await this.#claim(claim);
  }

  /** Throws {@link #unclaimed} if the progress log cannot be written. */
  async #claim(have: Bitfield): Promise<void> {
    const before = this.#unclaimed;
    try {
      await this.#parts.progress.save(have);
      this.#unclaimed = undefined;
      if (before) this.#parts.log.info(`${this.#name}: progress can be saved again`);
    } catch (error) {
      this.#unclaimed = EnjambreError.from(error);
      if (!before) this.#parts.log.error({ err: error }, `${this.#name}: ${unclaimedText(this.#unclaimed)}`);
      throw this.#unclaimed;
    } finally {
      this.#parts.claimed(this.#unclaimed === undefined);
    }
  }

  /** The content has a disk that works: only a crash or the end needs the progress log. */
  readonly #goOnUnclaimed = (error: unknown): void => {
    if (error !== this.#unclaimed) throw error;
  };

  /** Ends all links and writes. Others are still served. */
  async stop(reason: string, message: string): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#parts.tracker.unwatch(this.#infohash);
    // Uploaders are to know of the last pieces, too, before their links end.
    this.serving.tellNow();
    await this.#session.stop(reason, message);
  }

  get #infohash(): InfoHash {
    return this.#parts.content.metainfo.infohash;
  }

  get #name(): string {
    return this.#parts.content.metainfo.name;
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms));
  }
}

function unclaimedText({ message }: EnjambreError): string {
  return `the download continues, but progress cannot be saved: ${message}`;
}
