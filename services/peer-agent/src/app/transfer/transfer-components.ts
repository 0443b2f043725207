import type { Logger } from '@enjambre/common/log/logger';
import type { OutstandingBudget } from '../../domain/download/outstanding-budget.js';
import type { Random } from '../../domain/random.js';
import type { Bans } from '../agent/bans.js';
import type { ComplaintTurns } from '../upload/complaint-turns.js';
import type { AgentLimits } from '../agent/limits.js';
import type { Locality } from '../agent/locality.js';
import type { Meter } from '../agent/meter.js';
import type { MembershipEvent, TrackerPort } from '../ports/tracker.js';
import type { PeerConnector } from '../ports/peers.js';
import type { Place, StoreFactory } from '../ports/store-factory.js';
import type { TransferArchive } from '../ports/archives.js';
import type { RoomNeed } from './room.js';
import type { Clock } from '@enjambre/common/async/clock';

/** What a transfer works with. */
export interface TransferComponents {
  readonly clock: Clock;
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
  readonly connector: PeerConnector;
  readonly tracker: TrackerPort;
  readonly bans: Bans;
  readonly random: Random;
  readonly budget: OutstandingBudget;
  /** Between two looks at content that is missing. @default 3000 */
  readonly missingLookMs?: number;
  /** See `Download`. */
  readonly checkpointMs?: number;
  readonly limits: AgentLimits;
  readonly locality: Locality;
  readonly meter: Meter;
  /** See `Serving`. */
  readonly turns: ComplaintTurns;
  readonly log: Logger;
  /** Reserves the place of a download whose name was not known until now. Throws `already-exists`, TARGET_TAKEN. */
  readonly claim: (place: Place) => Promise<void>;
  /** Throws `exhausted`, DISK_FULL, if there is not as much room beside the other downloads. */
  readonly checkRoom: (need: RoomNeed) => Promise<void>;
  /** Called when its content is, or goes, somewhere else than before. */
  readonly moved: () => void;
  /** Called at each change of state, and when progress reached the disk. */
  readonly changed: () => void;
  /** Called when bytes were counted that the record should have some time. */
  readonly counted: () => void;
  /** Resolves when the record as it is now survives a crash. */
  readonly save: () => Promise<void>;
}

/**
 * What may be done about content that is not as it was: nothing, repair what is there and is
 * wrong, or fetch what is missing, too. More than nothing is a person's decision.
 */
export type Remedy = 'none' | 'repair' | 'fetch';

/** How a run begins. */
export interface RunOptions {
  /** What the tracker is told of it. */
  readonly event: MembershipEvent;
  readonly signal: AbortSignal;
  readonly remedy: Remedy;
}
