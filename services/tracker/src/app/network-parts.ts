import { quotaOf } from '@enjambre/core/address-quota';
import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import { Catalogue, type FileRecord } from '../domain/catalogue.js';
import { ChangeJournal } from '../domain/change-journal.js';
import { publicationKey, type Publication, type PublicationKeeper } from '../domain/publications.js';
import type { TrackerStore } from './ports.js';
import { WriteBudget } from '../domain/write-budget.js';
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
  /** Writes publications again, so that the store does not forget them. */
  readonly renew: (publication: Publication) => void;
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
  /** Maximum number of remembered publications. */
  readonly maxPublications: number;
  /** What one party may write of them, in percent. */
  readonly percent: number;
}

/** New records of files stay for about as long in a store: a party has at most twice its part of them there. */
const RECORDS_MS = 30 * 24 * 3_600_000;
/** Publications have a limit of each party: only the rate of their changes is limited. */
const PUBLICATIONS_MS = 3_600_000;
const WARN_EVERY_MS = 3_600_000;

export function networkParts(
  options: NetworkPartsOptions,
  { onChange, onKept, onPublished }: NetworkNews,
): NetworkParts {
  const { clock, store, log, maxRecords, maxPublications } = options;
  const recordBudget = budgetOf(maxRecords, RECORDS_MS, options);
  const publicationBudget = budgetOf(maxPublications, PUBLICATIONS_MS, options);
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
    keep: (record: FileRecord, party: string) => {
      if (recordBudget(party)) records.keep(record.infohash, record);
    },
    forget: (infohash: InfoHash) => records.forget(infohash),
  };
  const catalogue = new Catalogue(keeper, { durable: store.durable, maxRecords });
  const renew = (publication: Publication): void =>
    publications.keep(publicationKey(publication), publication);
  const publicationKeeper = {
    keep: (publication: Publication) => {
      if (publicationBudget(publication.party)) renew(publication);
    },
    // It leaves a mark in the store, too. What is not forgotten ends by its age.
    forget: (publication: Publication) => {
      if (publicationBudget(publication.party)) publications.forget(publicationKey(publication));
    },
  };
  const journal = new ChangeJournal(onChange);
  return { clock, store, log, journal, queues: [records, publications], catalogue, publicationKeeper, renew };
}

/** Counts a write of a party; false if it must stay in the memory of this tracker. */
function budgetOf(
  limit: number,
  perMs: number,
  { clock, store, log, percent }: NetworkPartsOptions,
): (party: string) => boolean {
  const budget = new WriteBudget({ burst: quotaOf(limit, percent, 1), perMs, nowMs: () => clock.nowMs() });
  let warnedMs = -Infinity;
  return (party) => {
    if (!store.durable || budget.take(party)) return true;
    if (clock.nowMs() - warnedMs >= WARN_EVERY_MS) {
      warnedMs = clock.nowMs();
      log.warn(
        { party },
        `the peers at ${party} share more new files than one address may store: what is beyond is listed while they are connected, and not stored`,
      );
    }
    return false;
  };
}
