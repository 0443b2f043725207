import type { InfoHash } from '@enjambre/core/ids';
import type { Running } from './room.js';
import type { Transfer } from './transfer.js';

/** All active downloads except one, with the space they still need. Repairs in place need none. */
export function* runningBeside(infohash: InfoHash, transfers: Iterable<Transfer>): Iterable<Running> {
  for (const transfer of transfers) {
    if (transfer.infohash === infohash || transfer.state !== 'downloading') continue;
    const { location, bytesTotal, bytesDone, inPlace } = transfer.record;
    if (!inPlace) yield { folder: location, bytes: bytesTotal - bytesDone };
  }
}
