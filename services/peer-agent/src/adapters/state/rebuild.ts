import { messageOf } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import type { ProgressLog } from '../../app/ports/archives.js';
import { selectionOf, selectsAny } from '../../app/select-files.js';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import { NO_FAILURE, NOTHING_COUNTED, type TransferRecord } from '../../domain/transfer-record.js';
import type { TransferFacts } from './transfer-facts.js';

/** Sources from which a record can be rebuilt. */
export interface RebuildParts {
  readonly facts: (infohash: InfoHash) => Promise<TransferFacts | undefined>;
  readonly metainfo: (infohash: InfoHash) => Promise<Metainfo | undefined>;
  readonly progress: (infohash: InfoHash) => ProgressLog;
  /** The target folder of a download by this agent, judging by its files; undefined if there is none. */
  readonly findDownload: (metainfo: Metainfo) => Promise<string | undefined>;
  readonly log: Logger;
}

/** The rebuilt records, and how many there are by the source of their location. */
export interface Rebuilt {
  readonly records: readonly TransferRecord[];
  readonly byFacts: number;
  readonly byContent: number;
  /** Transfers with an unknown location. */
  readonly lost: number;
}

/**
 * Rebuilds records from other data on disk. Reads only, and deletes nothing; the transfers themselves verify their
 * content. One failure does not affect the others.
 */
export async function rebuildRecords(infohashes: Iterable<InfoHash>, parts: RebuildParts): Promise<Rebuilt> {
  const records: TransferRecord[] = [];
  const count = { byFacts: 0, byContent: 0, lost: 0 };
  for (const infohash of infohashes) {
    const found = await rebuildOne(infohash, parts).catch((error: unknown) => {
      parts.log.error(
        { err: error, file: { infohash } },
        `a transfer could not be rebuilt: ${messageOf(error)}`,
      );
      return undefined;
    });
    count[found?.by ?? 'lost'] += 1;
    if (found) records.push(found.record);
  }
  return { records, ...count };
}

async function rebuildOne(
  infohash: InfoHash,
  parts: RebuildParts,
): Promise<{ record: TransferRecord; by: 'byFacts' | 'byContent' } | undefined> {
  const facts = await parts.facts(infohash);
  const metainfo = await parts.metainfo(infohash);
  if (facts) return { record: await recordOf(facts, metainfo, parts), by: 'byFacts' };
  const location = metainfo && (await parts.findDownload(metainfo));
  if (metainfo && location !== undefined) {
    const guess = guessFacts(metainfo, location);
    return { record: await recordOf(guess, metainfo, parts), by: 'byContent' };
  }
  parts.log.error(
    { file: { infohash, ...(metainfo && { name: metainfo.name }) } },
    metainfo
      ? `the location of ${metainfo.name} is lost: share it again, or download it with its .torrent, which is kept in transfers/`
      : `nothing of transfer ${infohash} is readable: share or download it again`,
  );
  return undefined;
}

/** Never in place: an entry with its name may belong to someone else, and must not be written to. */
function guessFacts({ infohash, name }: Metainfo, location: string): TransferFacts {
  const facts = { infohash, name, location, goal: 'run', ...NO_FAILURE, origin: false, copies: [] } as const;
  return {
    ...facts,
    askedByName: false,
    inPlace: false,
    ownFiles: 'none',
    assembly: '',
    replace: 'none',
    publication: undefined,
    published: undefined,
    follow: false,
    select: [],
    movingTo: '',
    addedAtMs: Date.now(),
  };
}

async function recordOf(
  facts: TransferFacts,
  metainfo: Metainfo | undefined,
  { progress }: RebuildParts,
): Promise<TransferRecord> {
  // Without a fingerprint, complete content is hashed before it counts as complete again.
  const complete = facts.origin || facts.inPlace;
  const sizeBytes = metainfo?.totalLength ?? 0;
  const isSelected = metainfo !== undefined && selectsAny(metainfo, facts.select);
  const selectedBytes = isSelected ? selectionOf(metainfo, facts.select).bytes : sizeBytes;
  const doneBytes = metainfo && !complete ? await noted(progress(facts.infohash), metainfo) : selectedBytes;
  return {
    ...(facts.origin && !metainfo ? withoutMetainfo(facts) : facts),
    name: metainfo?.name ?? facts.name,
    warning: '',
    complete,
    fingerprint: '',
    // Whether a part was in doubt is not recorded elsewhere.
    recheck: !complete,
    sizeBytes,
    selectedBytes,
    doneBytes,
    ...NOTHING_COUNTED,
    ...NO_LIMITS,
  };
}

/** Progress to show until the content is verified. */
async function noted(progress: ProgressLog, metainfo: Metainfo): Promise<number> {
  const layout = PieceLayout.of(metainfo);
  const found = await progress.load(layout.pieceCount);
  let bytes = 0;
  for (const piece of [...(found?.have.indexes() ?? []), ...(found?.unsure ?? [])])
    bytes += layout.pieceSize(piece);
  return bytes;
}

function withoutMetainfo(facts: TransferFacts): TransferFacts {
  const message = `its metainfo is lost: share ${facts.location} again`;
  return { ...facts, goal: 'failed', reason: 'METAINFO_LOST', message };
}
