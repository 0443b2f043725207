import type { Logger } from '@enjambre/common/log/logger';
import type { TransferArchive } from '../ports/archives.js';
import type { Transfer } from './transfer.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

/** Changes that no caller waits for are saved together after this delay. */
const SAVE_DELAY_MS = 200;
/** Interval at which the progress of downloads is saved, and failed saves are retried. */
const SAVE_INTERVAL_MS = 1000;

interface RecordSaverComponents {
  readonly clock: Clock;
  readonly archive: TransferArchive;
  readonly transfers: { all(): Iterable<Transfer>; has(transfer: Transfer): boolean };
  readonly log: Logger;
}

/** Saves the records of transfers that changed, and no others: there may be very many. */
export class RecordSaver {
  readonly #parts: RecordSaverComponents;
  readonly #changed = new Set<Transfer>();
  #timer: Timer | undefined;
  #interval: Timer | undefined;
  #complained = false;

  constructor(parts: RecordSaverComponents) {
    this.#parts = parts;
  }

  start(): void {
    this.#interval = this.#parts.clock.every(SAVE_INTERVAL_MS, () => {
      for (const transfer of this.#parts.transfers.all())
        if (transfer.state === 'downloading') this.saveSoon(transfer);
      if (this.#changed.size > 0) this.#schedule();
    });
  }

  /** Saves all records. */
  async stop(): Promise<void> {
    this.#interval?.cancel();
    this.#timer?.cancel();
    this.#changed.clear();
    await this.#save([...this.#parts.transfers.all()]);
  }

  /** Resolves when the current record survives a crash. */
  save(transfer: Transfer): Promise<void> {
    return this.#save([transfer]);
  }

  saveSoon(transfer: Transfer): void {
    this.#changed.add(transfer);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= this.#parts.clock.after(SAVE_DELAY_MS, () => {
      this.#timer = undefined;
      this.#saveChanged().catch((error: unknown) => {
        if (!this.#complained)
          this.#parts.log.error({ err: error }, 'download_status.json cannot be written');
        this.#complained = true;
      });
    });
  }

  async #saveChanged(): Promise<void> {
    await this.#save([...this.#changed]);
    this.#complained = false;
  }

  async #save(transfers: readonly Transfer[]): Promise<void> {
    for (const transfer of transfers) this.#changed.delete(transfer);
    // Transfers removed in the meantime must not be saved.
    const present = transfers.filter((transfer) => this.#parts.transfers.has(transfer));
    if (present.length === 0) return;
    try {
      await this.#parts.archive.save(present.map(({ record }) => record));
    } catch (error) {
      // The next interval retries.
      for (const transfer of present) this.#changed.add(transfer);
      throw error;
    }
  }
}
