import type { PeerBytes } from '../transfer-record.js';
import type { Cause, TimeSpent } from './causes.js';

/** Share of a download's time that one cause took. */
export interface TimeShare extends TimeSpent {
  readonly cause: Cause;
}

/** A peer that sent blocks. */
export interface Source extends PeerBytes {
  /** Bytes per second while it was sending; 0 if that was too short to measure. */
  readonly rate: number;
}

/** What a download's time was spent on, and its sources. */
export interface Findings {
  /** The sum of `spent`; 0 if no time was recorded. */
  readonly totalMs: number;
  /** Largest first. */
  readonly spent: readonly TimeShare[];
  /** Largest contribution first. */
  readonly sources: readonly Source[];
}
