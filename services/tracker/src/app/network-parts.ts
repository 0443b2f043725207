import type { Logger } from '@enjambre/common/log/logger';
import { Catalogue } from '../domain/catalogue.js';
import { ChangeJournal } from '../domain/change-journal.js';
import type { TrackerStore } from './ports.js';
import { RecordQueue } from './record-queue.js';

/** What the registry tells the network with, and the network works on. */
export interface NetworkParts {
  readonly store: TrackerStore;
  readonly log: Logger;
  readonly journal: ChangeJournal;
  readonly records: RecordQueue;
  readonly catalogue: Catalogue;
}

/** @param maxRecords so many files are remembered */
export function networkParts(store: TrackerStore, log: Logger, maxRecords: number): NetworkParts {
  const records = new RecordQueue({ store, log });
  const catalogue = new Catalogue(records, { durable: store.durable, maxRecords });
  return { store, log, journal: new ChangeJournal(), records, catalogue };
}
