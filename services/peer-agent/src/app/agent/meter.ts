import type { EnjambreError } from '@enjambre/core/error';
import type { Distance } from '@enjambre/core/locality';
import { DISK_FAULTS } from '../../domain/disk-faults.js';

/** What a peer that sends is, as the tracker named it when the link to it was opened. */
export type Source = 'seeder' | 'leecher';

/** Times that something took, told one by one; a histogram in the end. In seconds. */
export interface Times {
  observe(seconds: number): void;
}

/** All that are no fault of a disk are counted together. */
const OTHER = 'OTHER';

const NO_TIMES: Times = { observe: () => undefined };

/**
 * Counts what happens to all transfers of an agent, since it started. Whoever does something
 * adds a number; who wants to see them reads them when it is asked.
 */
export class Meter {
  /** By source and distance. What was sent is counted in `Locality`. */
  readonly received = new Map<string, number>();
  /** Bytes that came again, and bytes that were kept and turned out to be wrong. */
  repeatedBytes = 0;
  spoiltBytes = 0;
  piecesVerified = 0;
  /** Pieces that did not hash to their root. */
  piecesFailed = 0;
  /** Peers with a stream open, once for each transfer. */
  connectedPeers = 0;
  /** By reason. */
  readonly failures = new Map<string, number>([...DISK_FAULTS.keys(), OTHER].map((reason) => [reason, 0]));
  /** From the first request of a piece to its verification. */
  pieceTimes: Times = NO_TIMES;
  /** Until what was written is on the disk itself. */
  syncTimes: Times = NO_TIMES;

  receive(source: Source, distance: Distance, bytes: number): void {
    add(this.received, `${source} ${distance}`, bytes);
  }

  /** A transfer stopped with an error. */
  failed({ reason }: EnjambreError): void {
    add(this.failures, DISK_FAULTS.has(reason) ? reason : OTHER, 1);
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
