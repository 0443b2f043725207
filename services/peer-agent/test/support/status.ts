import { createLogger } from '@enjambre/common/log/logger';
import { entryText, statusText } from '../../src/adapters/state/status-file.js';
import { StatusStore } from '../../src/adapters/state/status-store.js';
import type { TransferRecord } from '../../src/domain/transfer-record.js';

/** What stands in the status file if these are all transfers. */
export function writeStatus(records: readonly TransferRecord[]): string {
  return [...statusText(records.map(entryText), 1)].join('');
}

/** As a version of ours wrote it that kept no journal. */
export function writeOldStatus(records: readonly TransferRecord[]): string {
  return writeStatus(records).replace(/^ {2}"journal": \d+,\n/m, '');
}

/** What a process that is started now finds, if the one that uses the data folder were killed. */
export async function notedIn(dataDir: string): Promise<readonly TransferRecord[]> {
  const store = new StatusStore(dataDir, createLogger({ name: 'test', level: 'silent' }), {
    quietMs: 3_600_000,
  });
  return (await store.load()).records;
}
