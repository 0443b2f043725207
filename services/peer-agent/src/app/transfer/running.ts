import type { InfoHash } from '@enjambre/core/ids';
import type { Running } from './room.js';
import type { Transfer } from './transfer.js';

/** The downloads that fetch into room that they have not taken yet, but for one. Repairs have theirs. */
export function* runningBeside(infohash: InfoHash, transfers: Iterable<Transfer>): Iterable<Running> {
  for (const transfer of transfers) {
    if (transfer.infohash === infohash || transfer.state !== 'downloading') continue;
    const { location, bytesTotal, bytesDone, inPlace } = transfer.record;
    if (!inPlace) yield { folder: location, bytes: bytesTotal - bytesDone };
  }
}
