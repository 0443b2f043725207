import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import { noting } from './copy-looks.js';
import { logIfFailed } from './ending.js';
import type { Transfers } from './transfers.js';

export interface RedatingParts {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly log: Logger;
}

/**
 * The tracker refuses a publication as of the future: its publisher's clock was ahead. Signs an own one again if the clock
 * is right now. If it is still ahead, nothing changes, and the next session or version tries again.
 */
export function redate({ clock, transfers, log }: RedatingParts, infohash: InfoHash): void {
  const transfer = transfers.at(infohash);
  const published = transfer && transfers.published.redated(transfer.record, clock.epochMs());
  if (!transfer || !published) return;
  const { name } = transfer;
  log.info({ infohash, version: published.version }, `${name} is signed again: its time was in the future`);
  logIfFailed(
    transfer.amend(noting({ published })).then(() => undefined),
    log,
    'a publication could not be signed again',
  );
}
