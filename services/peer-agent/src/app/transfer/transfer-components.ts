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
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { ReplacedContent } from '../ports/piece-store.js';
import type { TransferArchive } from '../ports/archives.js';
import type { RoomNeed } from './room.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Collaborators of a transfer. */
export interface TransferComponents {
  readonly clock: Clock;
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
  readonly connector: PeerConnector;
  readonly tracker: TrackerPort;
  readonly bans: Bans;
  readonly random: Random;
  readonly budget: OutstandingBudget;
  /** Interval of checks for missing content. @default 3000 */
  readonly missingLookMs?: number;
  /** See `Download`. */
  readonly checkpointMs?: number;
  readonly limits: AgentLimits;
  readonly locality: Locality;
  readonly meter: Meter;
  /** See `Serving`. */
  readonly turns: ComplaintTurns;
  readonly log: Logger;
  /** Reserves the target of a download once its name is known. Throws `already-exists` TARGET_TAKEN. */
  readonly claim: (place: Place) => Promise<void>;
  /** See `Replacement`. */
  readonly replacement: {
    isAllowed(record: TransferRecord): Promise<boolean>;
    replacedBy(record: TransferRecord): Promise<readonly ReplacedContent[]>;
    supersede(record: TransferRecord): Promise<void>;
  };
  /** Throws `exhausted` DISK_FULL if the disk lacks room for this and the other active downloads. */
  readonly checkRoom: (need: RoomNeed) => Promise<void>;
  /** Called when the place of its content, current or future, changes. */
  readonly moved: () => void;
  /** Called after each change of state, and when progress was saved. */
  readonly changed: () => void;
  /** Called when byte counts changed: the record is saved soon. */
  readonly counted: () => void;
  /** Resolves when the current record survives a crash. */
  readonly save: () => Promise<void>;
}

/**
 * What a run may do about content that was complete and has changed: nothing (`none`), repair damaged content
 * (`repair`), or also fetch missing content (`fetch`). Only a user's request permits more than `none`.
 */
export type Remedy = 'none' | 'repair' | 'fetch';

/** Options of a run. */
export interface RunOptions {
  /** Announced to the tracker. */
  readonly event: MembershipEvent;
  readonly signal: AbortSignal;
  readonly remedy: Remedy;
}
