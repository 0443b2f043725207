import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Random } from '../random.js';
import type { EngineLayout } from '../engine-layout.js';
import type { BudgetShare } from './outstanding-budget.js';

/** What a download engine works with. */
export interface EngineComponents {
  readonly layout: EngineLayout;
  /** Pieces that are verified and on disk already. Copied. */
  readonly have: Bitfield;
  readonly random: Random;
  /** How much it may have asked for. @default a budget of its own */
  readonly budget?: BudgetShare;
  /** Our own id; without it, all peers count as equally far. */
  readonly self?: PeerId;
}
