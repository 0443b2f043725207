import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import { Catalogue, type FileRecord } from '../domain/catalogue.js';
import { ChangeJournal } from '../domain/change-journal.js';
import { publicationKey, type Publication, type PublicationKeeper } from '../domain/publications.js';
import type { TrackerStore } from './ports.js';
import { RecordQueue } from './record-queue.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Parts shared by the registry and the network. */
export interface NetworkParts {
  readonly clock: Clock;
  readonly store: TrackerStore;
  readonly log: Logger;
  readonly journal: ChangeJournal;
  /** Records on their way to the store. */
  readonly queues: readonly Pick<RecordQueue<string, unknown>, 'size' | 'resume' | 'stop'>[];
  readonly catalogue: Catalogue;
  readonly publicationKeeper: PublicationKeeper;
}

/** Callbacks from the parts to the network. */
interface NetworkNews {
  /** Something changed that other trackers should receive soon. */
  readonly onChange: () => void;
  /** A record was stored: its state in the network. */
  readonly onKept: (record: FileRecord) => void;
  /** The same for a publication. */
  readonly onPublished: (publication: Publication) => void;
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
  { onChange, onKept, onPublished }: NetworkNews,
): NetworkParts {
  const records = new RecordQueue<InfoHash, FileRecord>({
    clock,
    store,
    log,
    write: async (infohash, record) => {
      if (record) onKept(await store.keep(record));
      else await store.forget(infohash);
    },
  });
  const publications = new RecordQueue<string, Publication>({
    clock,
    store,
    log,
    write: async (key, publication) => {
      if (publication) onPublished(await store.keepPublication(publication));
      else await store.forgetPublication(key);
    },
  });
  const keeper = {
    keep: (record: FileRecord) => records.keep(record.infohash, record),
    forget: (infohash: InfoHash) => records.forget(infohash),
  };
  const catalogue = new Catalogue(keeper, { durable: store.durable, maxRecords });
  const publicationKeeper = {
    keep: (publication: Publication) => publications.keep(publicationKey(publication), publication),
    forget: (publication: Publication) => publications.forget(publicationKey(publication)),
  };
  const journal = new ChangeJournal(onChange);
  return { clock, store, log, journal, queues: [records, publications], catalogue, publicationKeeper };
}
