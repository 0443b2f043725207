import { completed, type TransferRecord } from '../../domain/transfer-record.js';
import { logWarning } from './target-claim.js';
import type { TransferComponents } from './transfer-components.js';

export interface CompletionParts extends Pick<TransferComponents, 'clock' | 'save' | 'log'> {
  /** Receives the new record. */
  readonly note: (record: TransferRecord) => void;
}

/** Records that a transfer is complete, unless already recorded. Resolves when the record survives a crash. */
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
    note({ ...record, recheck: true }); // Makes the next run record it.
    throw error;
  });
}
