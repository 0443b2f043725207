import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Random } from '../random.js';
import type { EngineLayout } from '../engine-layout.js';
import type { BudgetShare } from './outstanding-budget.js';

/** Collaborators of a download engine. */
export interface EngineComponents {
  readonly layout: EngineLayout;
  /** Pieces already verified and on disk. Copied. */
  readonly have: Bitfield;
  /** The pieces to download; others are never requested. @default all */
  readonly selected?: Bitfield;
  readonly random: Random;
  /** Budget for outstanding bytes. @default its own */
  readonly budget?: BudgetShare;
  /** Our own id; without it, all peers count as equally far. */
  readonly self?: PeerId;
}
