import type { PeerBytes } from '../transfer-record.js';
import type { Cause, TimeSpent } from './causes.js';

/** What one cause took of a download's time. */
export interface TimeShare extends TimeSpent {
  readonly cause: Cause;
}

/** A peer that gave something. */
export interface Source extends PeerBytes {
  /** Bytes a second while it was sending; 0 if that was too short to tell. */
  readonly rate: number;
}

/** What a download's time was spent on, and who gave. */
export interface Findings {
  /** The sum of `spent`; 0 if it was not recorded. */
  readonly totalMs: number;
  /** The most first. */
  readonly spent: readonly TimeShare[];
  /** The most generous first. */
  readonly sources: readonly Source[];
}
