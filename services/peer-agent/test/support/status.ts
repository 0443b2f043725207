import { createLogger } from '@enjambre/common/log/logger';
import { entryText, statusText } from '../../src/adapters/state/status-file.js';
import { StatusStore } from '../../src/adapters/state/status-store.js';
import type { TransferRecord } from '../../src/domain/transfer-record.js';

/** The text of a status file with exactly these transfers. */
export function writeStatus(records: readonly TransferRecord[]): string {
  return [...statusText(records.map(entryText), 1)].join('');
}

/** As written by a version without journals. */
export function writeOldStatus(records: readonly TransferRecord[]): string {
  return writeStatus(records).replace(/^ {2}"journal": \d+,\n/m, '');
}

/** The records that a new process would find if the current one were killed. */
export async function notedIn(dataDir: string): Promise<readonly TransferRecord[]> {
  const store = new StatusStore(dataDir, createLogger({ name: 'test', level: 'silent' }), {
    quietMs: 3_600_000,
  });
  return (await store.load()).records;
}
