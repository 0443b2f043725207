import type { Logger } from '@enjambre/common/log/logger';
import { shortId } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Download } from '../download/download.js';

/** Saves the progress of a halted download; a failure is only logged. */
export async function saveProgress(download: Download | undefined, log: Logger, name: string): Promise<void> {
  await download?.checkpoint().catch((error: unknown) => {
    log.warn({ err: error }, `the progress of ${name} could not be saved`);
  });
}

/** Logs why a transfer has failed. */
export function logFailure(log: Logger, record: TransferRecord, cause: unknown): void {
  const { infohash, name, reason, message } = record;
  log.error({ err: cause, reason, file: { infohash, name } }, `${name || shortId(infohash)}: ${message}`);
}

/** Logs `problem` if work that nobody waits for fails. */
export function logIfFailed(work: Promise<void>, log: Logger, problem: string): void {
  work.catch((error: unknown) => {
    log.error({ err: error }, problem);
  });
}
