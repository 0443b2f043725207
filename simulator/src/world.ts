import type { Agenda } from './agenda.js';
import type { Host } from './host.js';
import type { Link } from './link.js';
import type { TokenLayout } from './token-layout.js';

/** What hosts share. */
export interface World {
  readonly agenda: Agenda;
  readonly layout: TokenLayout;
  readonly tally: Tally;
  /** One way between the two ends of a link. */
  latencyMs(link: Link): number;
  host(id: string): Host;
  verified(host: Host, piece: number): void;
  completed(host: Host): void;
  banned(by: Host, culprit: Host): void;
  /** Something happened that never may: ends the run with what it takes to repeat it. */
  fail(message: string): never;
}

/** Counted over all hosts. */
export interface Tally {
  /** Blocks that came and were of use. */
  storedBlocks: number;
  /** Bytes that came and were of no use: sent twice, or after the download was over. */
  duplicateBytes: number;
  /** Bytes of pieces that did not verify. */
  spoiltBytes: number;
  maxOutstandingBytes: number;
}
