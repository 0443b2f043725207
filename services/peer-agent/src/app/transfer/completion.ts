import { completed, type TransferRecord } from '../../domain/transfer-record.js';
import { logWarning } from './target-claim.js';
import type { TransferComponents } from './transfer-components.js';

export interface CompletionParts extends Pick<TransferComponents, 'clock' | 'save' | 'log'> {
  /** Takes the record that says so. */
  readonly note: (record: TransferRecord) => void;
}

/** Notes that a transfer is complete, if it is news. What is told of that may be relied on through any crash. */
export async function noteComplete(
  before: TransferRecord,
  noted: Pick<TransferRecord, 'fingerprint' | 'ownFiles' | 'warning'>,
  { clock, save, log, note }: CompletionParts,
): Promise<void> {
  const record = completed(before, noted, clock.epochMs());
  if (!record) return;
  logWarning(record, before, log);
  note(record);
  await save().catch((error: unknown) => {
    note({ ...record, recheck: true }); // So that it is noted by the next run.
    throw error;
  });
}
