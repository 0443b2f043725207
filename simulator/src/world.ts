import type { Distance } from '@enjambre/core/locality';
import type { Agenda } from './agenda.js';
import type { Link, Machine, Way } from './link.js';
import type { Scenario } from './scenario.js';
import type { TokenLayout } from './token-layout.js';

/** The environment that all hosts share. */
export interface World {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly layout: TokenLayout;
  readonly tally: Tally;
  /** One-way latency between the ends of a link. */
  latencyMs(link: Link): number;
  /** Distance of the ends of a link, as far as they know it. */
  distance(link: Link): Distance;
  /** The bottleneck between two zones; undefined if there is none. */
  trunk(link: Link): Way | undefined;
  host(id: string): Machine;
  verified(host: Machine, piece: number): void;
  completed(host: Machine): void;
  /** A host requests more peers. */
  widen(host: Machine): void;
  banned(by: Machine, culprit: Machine): void;
  /** An invariant was violated: ends the run with an error that says how to repeat it. */
  fail(message: string): never;
}

/** Counters over all hosts. */
export interface Tally {
  /** Useful blocks received. */
  storedBlocks: number;
  /** Useless bytes received: duplicates, or after the end of the download. */
  duplicateBytes: number;
  /** Bytes of pieces that did not verify. */
  spoiltBytes: number;
  maxOutstandingBytes: number;
  /** Bytes of blocks received by each zone from others. */
  readonly crossed: Map<string, number>;
}
