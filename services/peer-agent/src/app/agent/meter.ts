import type { EnjambreError } from '@enjambre/core/error';
import type { Distance } from '@enjambre/core/locality';
import { DISK_FAULTS } from '../../domain/disk-faults.js';

/** Kind of a sending peer, as the tracker listed it when the link to it was opened. */
export type Source = 'seeder' | 'leecher';

/** A histogram of durations, in seconds. */
export interface Times {
  observe(seconds: number): void;
}

/** Counts all errors that are not disk faults. */
const OTHER = 'OTHER';

const NO_TIMES: Times = { observe: () => undefined };

/** Counters over all transfers of an agent, since it started. Metrics read them at each scrape. */
export class Meter {
  /** Bytes received by source and distance. `Locality` counts the bytes sent. */
  readonly received = new Map<string, number>();
  /** Bytes that arrived more than once. */
  repeatedBytes = 0;
  /** Bytes of pieces that failed verification. */
  spoiltBytes = 0;
  piecesVerified = 0;
  /** Pieces that failed verification. */
  piecesFailed = 0;
  /** Peers with an open stream, counted once for each transfer. */
  connectedPeers = 0;
  /** Failed transfers by reason. */
  readonly failures = new Map<string, number>([...DISK_FAULTS.keys(), OTHER].map((reason) => [reason, 0]));
  /** From the first request of a piece to its verification. */
  pieceTimes: Times = NO_TIMES;
  /** Durations of syncs to the disk. */
  syncTimes: Times = NO_TIMES;

  receive(source: Source, distance: Distance, bytes: number): void {
    add(this.received, `${source} ${distance}`, bytes);
  }

  /** A transfer failed. */
  failed({ reason }: EnjambreError): void {
    add(this.failures, DISK_FAULTS.has(reason) ? reason : OTHER, 1);
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
