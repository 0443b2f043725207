import type { Cause } from '../../domain/explain/causes.js';
import { DownloadAccount } from '../../domain/explain/download-account.js';
import type { TransferGoal, TransferRecord } from '../../domain/transfer-record.js';
import { Stopwatch } from './stopwatch.js';
import { initialState, type TransferState } from './transfer-view.js';
import type { Clock } from '@enjambre/common/async/clock';

/** What the time of a download goes to in a state, until more is known. One that is complete goes on only to be mended. */
const CAUSES: Readonly<Record<TransferState, Cause>> = {
  resolving: 'metainfo',
  checking: 'checking',
  downloading: 'checking',
  seeding: 'finishing',
  missing: 'missing',
  paused: 'paused',
  failed: 'failed',
};

/** What it went to while the agent was off. */
const MEANWHILE: Readonly<Record<TransferGoal, Cause>> = { run: 'off', pause: 'paused', failed: 'failed' };

/** Keeps the account of a transfer's time, and how long it was active, as it goes through its states. What is shared from here has no account. */
export class TransferTimings {
  readonly account: DownloadAccount;
  readonly #active: Stopwatch;

  constructor(clock: Clock, record: TransferRecord) {
    this.account = new DownloadAccount(clock, record.account);
    this.#active = new Stopwatch(record.activeMs, () => clock.nowMs());
    if (isOver(record)) this.account.close();
    else this.account.enter(CAUSES[initialState(record)], MEANWHILE[record.goal]);
  }

  /** What is to outlive the process, as of now. */
  get record(): Pick<TransferRecord, 'activeMs' | 'account'> {
    return { activeMs: this.#active.ms, account: this.account.record };
  }

  /** Nothing is downloaded until the next state. */
  stop(): void {
    this.#active.run(false);
  }

  entered(state: TransferState, record: TransferRecord): void {
    this.#active.run(state === 'resolving' || state === 'downloading');
    if (isOver(record)) return this.account.close();
    if (state === 'checking' || state === 'downloading') this.account.metainfoFound();
    this.account.enter(CAUSES[state]);
  }
}

function isOver({ origin, complete }: TransferRecord): boolean {
  return origin || complete;
}
