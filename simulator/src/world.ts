import type { Distance } from '@enjambre/core/locality';
import type { Agenda } from './agenda.js';
import type { Link, Machine, Way } from './link.js';
import type { Scenario } from './scenario.js';
import type { TokenLayout } from './token-layout.js';

/** What hosts share. */
export interface World {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly layout: TokenLayout;
  readonly tally: Tally;
  /** One way between the two ends of a link. */
  latencyMs(link: Link): number;
  /** How far the ends of a link are apart, as they know it. */
  distance(link: Link): Distance;
  /** What it passes from one zone to another; undefined if nothing narrow. */
  trunk(link: Link): Way | undefined;
  host(id: string): Machine;
  verified(host: Machine, piece: number): void;
  completed(host: Machine): void;
  /** A host wants to know more peers. */
  widen(host: Machine): void;
  banned(by: Machine, culprit: Machine): void;
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
  /** Bytes of blocks that came into each zone from others. */
  readonly crossed: Map<string, number>;
}
