import type { Logger } from '@enjambre/common/log/logger';
import { Catalogue, type FileRecord } from '../domain/catalogue.js';
import { ChangeJournal } from '../domain/change-journal.js';
import type { TrackerStore } from './ports.js';
import { RecordQueue } from './record-queue.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Parts shared by the registry and the network. */
export interface NetworkParts {
  readonly clock: Clock;
  readonly store: TrackerStore;
  readonly log: Logger;
  readonly journal: ChangeJournal;
  readonly records: RecordQueue;
  readonly catalogue: Catalogue;
}

/** Callbacks from the parts to the network. */
interface NetworkNews {
  /** Something changed that other trackers should receive soon. */
  readonly onChange: () => void;
  /** A record was stored: its state in the network. */
  readonly onKept: (record: FileRecord) => void;
}

interface NetworkPartsOptions {
  readonly clock: Clock;
  readonly store: TrackerStore;
  readonly log: Logger;
  /** Maximum number of remembered files. */
  readonly maxRecords: number;
}

export function networkParts(
  { clock, store, log, maxRecords }: NetworkPartsOptions,
  { onChange, onKept }: NetworkNews,
): NetworkParts {
  const records = new RecordQueue({ clock, store, log, onKept });
  const catalogue = new Catalogue(records, { durable: store.durable, maxRecords });
  return { clock, store, log, journal: new ChangeJournal(onChange), records, catalogue };
}
