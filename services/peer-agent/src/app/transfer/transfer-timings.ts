import type { Cause } from '../../domain/explain/causes.js';
import { DownloadAccount } from '../../domain/explain/download-account.js';
import type { TransferGoal, TransferRecord } from '../../domain/transfer-record.js';
import { Stopwatch } from './stopwatch.js';
import { initialState, type TransferState } from './transfer-view.js';
import type { Clock } from '@enjambre/common/async/clock';

/** The cause to which a state's time is attributed until more is known. A complete download only runs for repairs. */
const CAUSES: Readonly<Record<TransferState, Cause>> = {
  resolving: 'metainfo',
  checking: 'checking',
  downloading: 'checking',
  seeding: 'finishing',
  missing: 'missing',
  paused: 'paused',
  finished: 'finishing',
  failed: 'failed',
};

/** The cause for the time in which the agent was off. */
const MEANWHILE: Readonly<Record<TransferGoal, Cause>> = { run: 'off', pause: 'paused', failed: 'failed' };

/** Accounts for the time of a transfer in its states, and measures how long it was active and how long it seeded. Shares have no account. */
export class TransferTimings {
  readonly account: DownloadAccount;
  readonly #active: Stopwatch;
  readonly #seeding: Stopwatch;

  constructor(clock: Clock, record: TransferRecord) {
    this.account = new DownloadAccount(clock, record.account);
    this.#active = new Stopwatch(record.activeMs, () => clock.nowMs());
    this.#seeding = new Stopwatch(record.seededMs, () => clock.nowMs());
    if (isOver(record)) this.account.close();
    else this.account.enter(CAUSES[initialState(record)], MEANWHILE[record.goal]);
  }

  /** The persistent state, as of now. */
  get record(): Pick<TransferRecord, 'activeMs' | 'seededMs' | 'account'> {
    return { activeMs: this.#active.ms, seededMs: this.#seeding.ms, account: this.account.record };
  }

  /** Stops both times until the next state. */
  stop(): void {
    this.#active.run(false);
    this.#seeding.run(false);
  }

  entered(state: TransferState, record: TransferRecord): void {
    this.#active.run(state === 'resolving' || state === 'downloading');
    this.#seeding.run(state === 'seeding');
    if (isOver(record)) return this.account.close();
    if (state === 'checking' || state === 'downloading') this.account.metainfoFound();
    this.account.enter(CAUSES[state]);
  }
}

function isOver({ origin, complete }: TransferRecord): boolean {
  return origin || complete;
}
